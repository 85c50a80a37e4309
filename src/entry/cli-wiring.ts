import type { McpWiring, Wiring } from '#cli/wiring.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What the commands need of the adapters. Everything is imported when it is used: `sentinel version`
 * must not load a Docker client.
 */
export function createCliWiring(env: Env): Wiring {
  return {
    async run({ config, modeOverride, ...flags }) {
      const { runOperator } = await import('#main.ts');
      const overrides = {
        ...flags,
        ...(config === undefined ? {} : { configFile: config }),
        ...(modeOverride === undefined ? {} : { shadowAll: true }),
      };
      return runOperator(overrides, env);
    },
    async loadPolicies(paths, config) {
      const { loadPolicies } = await import('./policies.ts');
      return loadPolicies(paths, config);
    },
    async openJournal(dataDirectory) {
      const { openJournalArchive } = await import('./journal-archive.ts');
      return openJournalArchive(dataDirectory);
    },
    async doctor() {
      const { createDoctorProbes } = await import('./doctor-probes.ts');
      return createDoctorProbes(env);
    },
    async simulate(options, onResult) {
      const { runCampaign } = await import('#simulation/campaign.ts');
      await runCampaign(options, onResult);
    },
    mcp: createMcpWiring(env),
  };
}

function createMcpWiring(env: Env): McpWiring {
  return {
    async serve(options, onListening) {
      const { serveMcp } = await import('./mcp-serve.ts');
      return serveMcp(options, env, onListening);
    },
    async servers(configFile) {
      const { listMcpServers } = await import('./mcp-servers.ts');
      return listMcpServers(configFile, env);
    },
    async pin(options) {
      const { pinMcpServers } = await import('./mcp-servers.ts');
      return pinMcpServers(options, env);
    },
  };
}
