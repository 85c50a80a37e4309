/**
 * Causes for those who are not engineers: what follows "the cause is". Nothing of what a container
 * says is in them, whatever the explanation of the cause names.
 */
export const PLAIN_CAUSES: Readonly<Record<string, string>> = {
  OutOfMemory: 'a lack of memory: it wanted more than it is allowed to use',
  HostOutOfMemory: 'a lack of memory on the machine that it runs on',
  HeapExhausted: 'a lack of memory inside the program',
  MemoryPressure: 'a need for more memory than it should have',
  MemoryGrowing: 'a use of memory that goes on growing',
  CpuSaturated: 'more work than its share of computing power can do',
  CpuThrottled: 'too small a share of computing power',
  ProcessLimit: 'too many tasks inside it at the same time',
  ProcessesGrowing: 'a number of tasks inside it that goes on growing',
  FileDescriptorLimit: 'too many files or connections open at the same time',
  Crashed: 'a fault inside the program, which ended it',
  EndedEarly: 'the program itself, which ended without an error although it was meant to go on',
  StartFailed: 'something that keeps it from being started',
  CommandNotFound: 'a mistake in how it was built: a program that it starts is not in it',
  NotExecutable: 'a mistake in how it was built: a program in it cannot be started',
  ModuleMissing: 'a mistake in how it was built: a part of the software is not in it',
  WrongArchitecture: 'software that was built for another kind of machine',
  ImageUnavailable: 'software that cannot be fetched from where it is kept',
  MountInvalid: 'a file or folder that it is to be given, and that is missing or of the wrong kind',
  NetworkMissing: 'a network that it belongs to, and that no longer exists',
  ConfigMissing: 'a part of its configuration that is missing',
  ConfigInvalid: 'a mistake in its configuration',
  MissingEnv: 'a setting that it needs, and that is missing or wrong',
  NotPlaced: 'a lack of room: no machine can take it',
  PortInUse: 'another program, which occupies the place on the network that it needs',
  HealthCheckFailing: 'a fault inside it, which its own check has found',
  HealthCheckTimeout: 'a standstill or an overload inside it: its own check gets no answer in time',
  HealthCheckWrong: 'the check itself, which is set up wrongly: the service may be well',
  ProbeError: 'the check itself, which could not be carried out: the service may be well',
  ProbeFailing: 'a fault inside it: it does not answer as it should',
  DependencyDown: 'another service that it depends on, and that does not work',
  NamespaceLost: 'a lost connection to another service, which was started anew',
  RecentChange: 'a change that was made to it shortly before',
  EngineTrouble: 'the machine or the system underneath, since others have trouble too',
  FileNotFound: 'a file that it needs, and that is missing',
  PermissionDenied: 'a permission that it needs, and does not have',
  DatabasePermission: 'a permission in its database that it does not have',
  SchemaMismatch: 'a database that does not fit this version of the software',
  DataCorrupt: 'damaged data',
  DiskFull: 'a full disk',
  ReadOnlyFilesystem: 'a disk that it may read, but not write to',
  NameResolution: 'the name of another service, which cannot be found on the network',
  ConnectionRefused: 'another service, which it cannot connect to',
  ConnectionTimeout: 'another service, which does not answer in time',
  NetworkPartition: 'a broken connection between machines that belong together',
  CertificateExpired: 'an expired certificate, the proof of identity that secure connections need',
  CertificateRefused:
    'a certificate, the proof of identity for secure connections, that is not accepted',
  CredentialsRefused: 'a password or key that is not accepted',
  PoolExhausted: 'a shortage of connections to another service, most often a database',
  DeadlockOrLock: 'parts of it that wait for each other',
  RateLimited: 'another service, which limits how often it may be asked',
  SlowOperation: 'work that takes it very long',
};

/** A cause may be a model's word, and be called like anything. */
export function plainCause(cause: string): string | undefined {
  return Object.hasOwn(PLAIN_CAUSES, cause) ? PLAIN_CAUSES[cause] : undefined;
}
