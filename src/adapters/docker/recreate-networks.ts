import { z } from 'zod';

/** One network of an inspect body: what the user configured, mixed with what came of it. */
export const EndpointBody = z.object({
  IPAMConfig: z.record(z.string(), z.unknown()).nullish(),
  Links: z.array(z.string()).nullish(),
  Aliases: z.array(z.string()).nullish(),
  DriverOpts: z.record(z.string(), z.string()).nullish(),
  NetworkID: z.string().nullish(),
  IPAddress: z.string().nullish(),
  MacAddress: z.string().nullish(),
  /** API 1.48: which network gives the default route. */
  GwPriority: z.number().nullish(),
});
export type EndpointBody = z.infer<typeof EndpointBody>;

/**
 * The endpoint as the user configured it. Addresses are kept only where they were asked for:
 * what the engine chose it may choose anew.
 *
 * @param ownId the old container's id, whose first digits Docker adds as an alias
 */
export function endpointConfig(network: string, endpoint: EndpointBody, ownId: string): object {
  const { IPAMConfig: ipam, Links: links, DriverOpts: driverOpts, GwPriority: priority } = endpoint;
  const aliases = (endpoint.Aliases ?? []).filter((alias) => alias !== ownId.slice(0, 12));
  const mac = endpoint.MacAddress ?? '';
  return {
    ...(ipam && { IPAMConfig: ipam }),
    ...(links && { Links: links }),
    ...(driverOpts && { DriverOpts: driverOpts }),
    ...(priority && { GwPriority: priority }),
    // From API 1.44 on an address that the user gave stands here, unmarked, beside those that Docker
    // made up; its own begin with 02:42, and one that slips through does no harm.
    ...(mac !== '' && !mac.startsWith('02:42:') && { MacAddress: mac }),
    // The default bridge refuses aliases.
    ...(aliases.length > 0 && network !== 'bridge' && { Aliases: aliases }),
  };
}
