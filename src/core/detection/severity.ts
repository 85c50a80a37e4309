/** A line tells its severity at its beginning, or in a named field; its tail is hostile prose. */
const HEAD_CHARACTERS = 256;
/** Where a structured line is searched for its level. */
const FIELDS_CHARACTERS = 4096;

/** Terminals' colours begin with ESC, which as a literal would be an invisible character. */
const COLOUR = new RegExp(String.raw`\u001b\[[0-9;]*m`, 'g');
const JSON_LEVEL =
  /"(?:level|severity|lvl|loglevel|log_level|levelname|log\.level)"\s{0,8}:\s{0,8}"?([A-Za-z]{1,16}|\d{1,3})/i;
const LOGFMT_LEVEL = /(?:^|\s)(?:level|severity|lvl)="?([A-Za-z]{1,16}|\d{1,3})/i;
/** Of glog and klog: `E0102 15:04:05.678901`. */
const GLOG = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const LEVEL_WORD =
  /(?:^|[\s[(<|:])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|PANIC|ALERT|EMERG)(?=$|[\s\])>|:,])/;
/** As nginx and others write it: `[error]`, or `error:` first of all. */
const BRACKETED_LEVEL = /\[(debug|info|notice|warn|warning|error|crit|alert|emerg|fatal)\]/;
const LEADING_WORD = /^(?:error|fatal|fatal error|panic|critical)\s?:/i;
/** `java.lang.IllegalStateException: …`, `ValueError: …`, `Uncaught TypeError: …`. */
const EXCEPTION = /^(?:Uncaught |Unhandled )?[\w$.]{0,128}(?:Exception|Error)(?::|$)/;
const CRASH =
  /^(?:Traceback \(most recent call last\)|Exception in thread|Unhandled exception|Unhandled rejection|thread '.{1,64}' panicked at|Segmentation fault|Out of memory)/i;
const BAD =
  /^(?:e|f|err|error|severe|crit|critical|fatal|panic|dpanic|alert|emerg|emergency|failure)$/i;
/** Of pino and bunyan; syslog's numbers are below 8 and mean the opposite. */
const PINO_ERROR = 50;

/**
 * Whether a log line reports an error. A level that the line states decides, either way; a line
 * without one must begin like an exception or a crash. That it was written to stderr says nothing.
 * Takes time linear in the line.
 */
export function isErrorLine(raw: string): boolean {
  const text = raw.slice(0, FIELDS_CHARACTERS).replace(COLOUR, '').trimStart();
  const stated = statedLevel(text);
  if (stated !== undefined) return isBad(stated);
  const head = text.slice(0, HEAD_CHARACTERS);
  return LEADING_WORD.test(head) || EXCEPTION.test(head) || CRASH.test(head);
}

function statedLevel(text: string): string | undefined {
  if (text.startsWith('{')) return JSON_LEVEL.exec(text)?.[1];
  const head = text.slice(0, HEAD_CHARACTERS);
  const found =
    LOGFMT_LEVEL.exec(head) ??
    GLOG.exec(head) ??
    LEVEL_WORD.exec(head) ??
    BRACKETED_LEVEL.exec(head);
  return found?.[1];
}

function isBad(level: string): boolean {
  return /^\d/.test(level) ? Number(level) >= PINO_ERROR : BAD.test(level);
}
