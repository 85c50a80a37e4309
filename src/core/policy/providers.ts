/**
 * Providers of language models that a route may begin with though no SentinelConfig says a word of
 * them: where they live is known, or comes from the environment.
 */
const WITH_ADDRESS = ['cerebras', 'openrouter', 'llama', 'openai'] as const;

/** Those, and `local`, of which everything but the address is known. */
export const BUILTIN_PROVIDERS = [...WITH_ADDRESS, 'local'] as const;
export type BuiltinProvider = (typeof BUILTIN_PROVIDERS)[number];

/** What a route may begin with. @param configured `providers` of the SentinelConfig */
export function providerNames(configured: Readonly<Record<string, unknown>>): string[] {
  return [...new Set<string>([...WITH_ADDRESS, ...Object.keys(configured)])];
}
