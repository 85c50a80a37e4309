/** What holds where neither a command line nor the environment says anything else. */
export const DEFAULTS = {
  policies: 'policies',
  data: 'data',
  apiHost: '127.0.0.1',
  apiPort: 8000,
} as const;
