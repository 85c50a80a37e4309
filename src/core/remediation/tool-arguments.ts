import { z } from 'zod';
import { parseQuantity } from '#lib/quantity.ts';

/** Docker's own lower bound for a memory limit. */
const MEMORY_BYTES_MIN = 6 * 2 ** 20;
/** Docker adds its own default grace; a longer one than this is no remediation. */
const STOP_SECONDS_MAX = 3600;
const EXEC_SECONDS_MAX = 600;
const ARGV_ITEMS_MAX = 64;
const ARGV_CHARACTERS_MAX = 4096;
const ENV_NAMES_MAX = 64;

const NoArguments = z.strictObject({});

const StopArguments = z.strictObject({
  timeoutSeconds: z
    .int()
    .min(0)
    .max(STOP_SECONDS_MAX)
    .optional()
    .describe('Seconds until SIGKILL; the container’s own StopTimeout unless given.'),
});

const KillArguments = z.strictObject({
  signal: z
    .string()
    .regex(
      /^(?:SIG)?[A-Z][A-Z0-9+-]{1,15}$|^[1-9]$|^[1-5]\d$|^6[0-4]$/,
      'must be a signal such as SIGHUP or 1',
    )
    .default('SIGKILL')
    .describe('Sent to the main process: a name, with or without SIG, or a number from 1 to 64.'),
});

const MemoryLimit = z
  .union([
    z.int(),
    z
      .string()
      .refine((text) => parseQuantity(text) !== undefined, 'must be a size such as 512m or 1Gi'),
  ])
  .refine(
    (size) => (typeof size === 'number' ? size : (parseQuantity(size) ?? 0)) >= MEMORY_BYTES_MIN,
    'must be at least 6m',
  )
  .describe('Bytes, or a Docker size string. Swap is set along with it.');

const UpdateResourcesArguments = z
  .strictObject({
    memory: MemoryLimit.optional(),
    cpus: z.number().min(0.01).max(4096).optional().describe('CPUs, as in docker run --cpus.'),
    pids: z.int().min(1).max(4_194_304).optional().describe('Most processes and threads.'),
  })
  .refine((limits) => Object.keys(limits).length > 0, 'must set memory, cpus or pids');

const ExecArguments = z.strictObject({
  command: z
    .array(z.string().max(ARGV_CHARACTERS_MAX))
    .min(1)
    .max(ARGV_ITEMS_MAX)
    .refine((argv) => argv[0] !== '', 'must begin with a program')
    .describe('The argv; no shell is added.'),
  timeoutSeconds: z
    .int()
    .min(1)
    .max(EXEC_SECONDS_MAX)
    .default(30)
    .describe(
      'How long it may run; a command that takes longer is not ended, its outcome unknown.',
    ),
});

const UpdateEnvArguments = z.strictObject({
  set: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/, 'must be a variable name'), z.string())
    .refine((set) => Object.keys(set).length > 0, 'must set at least one variable')
    .refine((set) => Object.keys(set).length <= ENV_NAMES_MAX, 'sets too many variables')
    .describe('NAME → value; replaces or adds, the rest is kept.'),
});

const RollbackArguments = z.strictObject({
  image: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe(
      'A reference or an image id on the host; unless given, the newest image of the same ' +
        'repository that is older than the one that runs.',
    ),
});

const LogArguments = z.strictObject({
  tail: z.int().min(1).max(2000).default(200).describe('Newest lines.'),
});

/** What a policy may say to each built-in tool. Sentinel binds target and expectation itself. */
export const TOOL_ARGUMENTS = {
  list_containers: NoArguments,
  health_check: NoArguments,
  get_logs: LogArguments,
  get_stats: NoArguments,
  inspect_container: NoArguments,
  restart_container: StopArguments,
  start_container: NoArguments,
  stop_container: StopArguments,
  pause_container: NoArguments,
  unpause_container: NoArguments,
  kill_container: KillArguments,
  update_resources: UpdateResourcesArguments,
  exec_command: ExecArguments,
  update_env_vars: UpdateEnvArguments,
  recreate_container: NoArguments,
  rollback_image: RollbackArguments,
} as const;

/**
 * `update_resources` itself accepts more than a policy may write: what its own `previous` says, so
 * that a rollback can give a limit back exactly (-1 is none, for swap and pids). No policy can say
 * it.
 */
export const UpdateResourcesInput = z.strictObject({
  memory: z.union([z.int(), z.string()]).optional().describe('Bytes or a Docker size string.'),
  memorySwap: z
    .int()
    .optional()
    .describe('Memory and swap together, for a rollback; follows from memory unless given.'),
  cpus: z.number().positive().optional(),
  pids: z.int().optional(),
});

/** What each tool itself accepts beside its bound part: at least what a policy may say. */
export const TOOL_INPUTS = { ...TOOL_ARGUMENTS, update_resources: UpdateResourcesInput } as const;

export type BuiltinToolName = keyof typeof TOOL_ARGUMENTS;
export type ToolInput<Name extends BuiltinToolName> = z.output<(typeof TOOL_INPUTS)[Name]>;

export function isBuiltinToolName(name: string): name is BuiltinToolName {
  return Object.hasOwn(TOOL_ARGUMENTS, name);
}

/** Reads the arguments of a call as the tool itself takes them, defaults filled in. */
export function parseToolInput<Name extends BuiltinToolName>(
  tool: Name,
  args: unknown,
): { readonly input: ToolInput<Name> } | { readonly problem: string } {
  const schema: z.ZodType = TOOL_INPUTS[tool];
  const parsed = schema.safeParse(args);
  if (parsed.success) return { input: parsed.data as ToolInput<Name> };
  const [issue] = parsed.error.issues;
  return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
}
