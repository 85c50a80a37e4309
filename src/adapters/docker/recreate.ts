import { z } from 'zod';
import type { CreateOptions } from '#ports/container-operations.ts';
import { type ImageConfig, overridesOf } from './recreate-image.ts';
import { EndpointBody, endpointConfig } from './recreate-networks.ts';

const Names = z.array(z.string()).nullish();

/**
 * The parts of an inspect body that change on the way into a create body. Everything else passes
 * as it is, known here or not: a field that a later engine adds is kept, not lost.
 */
export const Blueprint = z.object({
  Id: z.string(),
  Image: z.string(),
  Config: z.looseObject({
    Hostname: z.string().nullish(),
    Image: z.string().nullish(),
    Env: Names,
    Labels: z.record(z.string(), z.string()).nullish(),
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    MacAddress: z.string().nullish(),
  }),
  HostConfig: z.looseObject({
    Binds: Names,
    Mounts: z.array(z.looseObject({ Type: z.string(), Target: z.string() })).nullish(),
    Links: Names,
    VolumesFrom: Names,
    NetworkMode: z.string().nullish(),
    PidMode: z.string().nullish(),
    IpcMode: z.string().nullish(),
    UTSMode: z.string().nullish(),
  }),
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Name: z.string().nullish(),
        Destination: z.string(),
        RW: z.boolean().default(true),
      }),
    )
    .nullish(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), EndpointBody).nullish() }).nullish(),
});
export type Blueprint = z.infer<typeof Blueprint>;

export interface CreateBody {
  readonly Image: string;
  readonly HostConfig: Readonly<Record<string, unknown>>;
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, object>> };
  readonly [field: string]: unknown;
}

export interface RecreateOptions extends Omit<CreateOptions, 'name'> {
  /** What to create from: a reference, or an id where the reference now names another image. */
  readonly imageToUse: string;
  /** Configuration of the image that the container was created from. */
  readonly imageConfig: ImageConfig;
}

/**
 * Translates what the engine says of a container into what creates the same container again.
 *
 * Left out is only what belongs to this one instance (its id as hostname and alias, addresses
 * that the engine chose) and, when the image changes, what the old image supplied.
 */
export function toCreateBody(blueprint: Blueprint, options: RecreateOptions): CreateBody {
  const changesImage = options.image !== undefined;
  const { MacAddress: macAddress, ...kept } = withoutConflicts(blueprint);
  const overrides = overridesOf(kept, options.imageConfig, changesImage);
  const endpoint = primaryEndpoint(blueprint);
  return {
    ...overrides,
    // Given by the user, since Docker lists a generated address only with the network.
    ...(macAddress && { MacAddress: macAddress }),
    Image: options.imageToUse,
    ...(options.env && { Env: mergeEnv(overrides['Env'], options.env) }),
    ...(options.labels && { Labels: { ...toRecord(overrides['Labels']), ...options.labels } }),
    HostConfig: toHostConfig(blueprint, options.replacedOwners ?? {}),
    ...(endpoint !== undefined && { NetworkingConfig: { EndpointsConfig: endpoint } }),
  };
}

/** The networks that are attached after the creation, which takes one only (before API 1.44). */
export function furtherNetworks(blueprint: Blueprint): readonly (readonly [string, object])[] {
  const primary = primaryName(blueprint);
  return attachedNetworks(blueprint).filter(([name]) => name !== primary);
}

/** Every network with the endpoint as the user configured it, `none` and `host` left out. */
export function attachedNetworks(blueprint: Blueprint): readonly (readonly [string, object])[] {
  return Object.entries(blueprint.NetworkSettings?.Networks ?? {})
    .filter(([name]) => name !== 'none' && name !== 'host')
    .map(([name, endpoint]) => [name, endpointConfig(name, endpoint, blueprint.Id)] as const);
}

/**
 * The network that the creation attaches although the container had left it: it is detached again.
 *
 * @returns `undefined` in the ordinary case
 */
export function unwantedNetwork(blueprint: Blueprint): string | undefined {
  const mode = networkOfMode(blueprint.HostConfig.NetworkMode);
  return mode === undefined || primaryName(blueprint) !== undefined ? undefined : mode;
}

/** What Docker refuses beside a shared or the host's namespace, though it lists it itself. */
function withoutConflicts({ Id: id, Config: config, HostConfig: host }: Blueprint) {
  const { Hostname: hostname, ExposedPorts: ports, ...rest } = config;
  const sharesNetwork = host.NetworkMode?.startsWith('container:') === true;
  const isOwn = hostname && hostname !== id.slice(0, 12) && !sharesNetwork;
  return {
    ...rest,
    ...(isOwn && host.UTSMode !== 'host' && { Hostname: hostname }),
    ...(!sharesNetwork && ports !== undefined && { ExposedPorts: ports }),
  };
}

function toHostConfig(
  { HostConfig: host, Mounts: mounted }: Blueprint,
  owners: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const modes = Object.fromEntries(
    (['NetworkMode', 'PidMode', 'IpcMode'] as const).map((field) => [
      field,
      replaceOwner(host[field], owners),
    ]),
  );
  const { ContainerIDFile: _written, ...rest } = host;
  return {
    ...rest,
    ...modes,
    ...(host.Links && { Links: host.Links.map(toLink) }),
    ...(host.VolumesFrom && {
      VolumesFrom: host.VolumesFrom.map((source) => replaceSource(source, owners)),
    }),
    ...toVolumes(host, mounted ?? []),
  };
}

function replaceOwner(
  mode: string | null | undefined,
  owners: Readonly<Record<string, string>>,
): string | null | undefined {
  const owner = /^container:(.+)$/.exec(mode ?? '')?.[1];
  const successor = owner === undefined ? undefined : owners[owner];
  return successor === undefined ? mode : `container:${successor}`;
}

/** `ID`, `ID:ro` or `ID:rw`. */
function replaceSource(source: string, owners: Readonly<Record<string, string>>): string {
  const [id = '', ...mode] = source.split(':');
  return [owners[id] ?? id, ...mode].join(':');
}

/** Docker lists `/target:/container/alias` and takes `target:alias`. */
function toLink(link: string): string {
  const [target = '', alias = ''] = link.split(':');
  return `${target.replace(/^\//, '')}:${alias.slice(alias.lastIndexOf('/') + 1)}`;
}

/**
 * Anonymous volumes are named only in what is mounted, not in what was asked for. They are asked
 * for by name, so that the new container finds what the old one wrote.
 */
function toVolumes(host: Blueprint['HostConfig'], mounted: NonNullable<Blueprint['Mounts']>) {
  const named = new Map(
    mounted.flatMap(({ Type: type, Name: name, Destination: to }) =>
      type === 'volume' && name ? [[to, name] as const] : [],
    ),
  );
  const mounts = host.Mounts?.map((mount) =>
    mount.Type === 'volume' && !mount['Source']
      ? { ...mount, Source: named.get(mount.Target) }
      : mount,
  );
  const asked = new Set([
    ...(host.Binds ?? []).map(bindTarget),
    ...(host.Mounts ?? []).map(({ Target: target }) => target),
  ]);
  const anonymous = mounted.flatMap(({ Destination: to, RW: writable }) => {
    const name = named.get(to);
    return name === undefined || asked.has(to) ? [] : [`${name}:${to}${writable ? '' : ':ro'}`];
  });
  const binds = [...(host.Binds ?? []), ...anonymous];
  return {
    ...(host.Binds !== undefined || binds.length > 0
      ? { Binds: binds.length === 0 ? host.Binds : binds }
      : {}),
    ...(mounts !== undefined && { Mounts: mounts }),
  };
}

/** `source:target` or `source:target:options`. */
function bindTarget(bind: string): string {
  return bind.split(':')[1] ?? '';
}

/** The user's network that the mode names; `undefined` where there is none to attach. */
function networkOfMode(mode: string | null | undefined): string | undefined {
  if (!mode || mode === 'default') return 'bridge';
  return mode === 'none' || mode === 'host' || mode.startsWith('container:') ? undefined : mode;
}

/** The mode may name a network by id, the listing has its name. */
function primaryName(blueprint: Blueprint): string | undefined {
  const mode = networkOfMode(blueprint.HostConfig.NetworkMode);
  const networks = blueprint.NetworkSettings?.Networks ?? {};
  if (mode === undefined || networks[mode] !== undefined) return mode;
  return Object.keys(networks).find((name) => networks[name]?.NetworkID === mode);
}

function primaryEndpoint(blueprint: Blueprint): Record<string, object> | undefined {
  const primary = primaryName(blueprint);
  const own = attachedNetworks(blueprint).find(([name]) => name === primary);
  if (own === undefined) return undefined;
  // The key has to be the very word that the mode uses.
  const mode = networkOfMode(blueprint.HostConfig.NetworkMode);
  return mode === undefined ? undefined : { [mode]: own[1] };
}

/** Replaces or adds by name; the order of what was there stays. */
function mergeEnv(present: unknown, changes: Readonly<Record<string, string>>): readonly string[] {
  const before = Array.isArray(present) ? (present as readonly string[]) : [];
  const kept = before.filter((entry) => !Object.hasOwn(changes, nameOf(entry)));
  return [...kept, ...Object.entries(changes).map(([name, value]) => `${name}=${value}`)];
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? '';
}

function toRecord(value: unknown): Record<string, string> {
  return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {};
}
