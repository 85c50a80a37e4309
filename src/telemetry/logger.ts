import { pino } from 'pino';

/** Structured logs on stderr, one JSON object a line: a constant message with fields. */
export function createLogger(level: string) {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}

export type Logger = ReturnType<typeof createLogger>;
