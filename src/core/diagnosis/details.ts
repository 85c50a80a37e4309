import { RE2JS } from 're2js';

/**
 * What of a line may stand in a sentence: one token of a narrow alphabet without white space, so that
 * no text of others can speak through it.
 */
export type DetailKind =
  | 'variable'
  | 'address'
  | 'host'
  | 'file'
  | 'command'
  | 'port'
  | 'image'
  | 'module'
  | 'name';

/** RE2, without regard to case unless it says otherwise; groups are joined by a colon. */
const PATTERNS: Readonly<Record<DetailKind, readonly string[]>> = {
  variable: [
    String.raw`\b(?-i:([A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}))\b`,
    String.raw`keyerror: ['"]([a-z_][a-z0-9_]{1,60})['"]`,
    String.raw`\bvar(?:iable)?s? ["'\x60$]{0,2}([a-z_][a-z0-9_]{1,60})["'\x60]? (?:is|was|must|not|has)\b`,
    String.raw`\b(?-i:([A-Z][A-Z0-9]{2,40}))\b["'\x60]?:? (?:is |was |must |not set|unset|unbound|parameter)`,
  ],
  address: [
    String.raw`server at ["']?([a-z0-9_.-]{1,100})["']?[^\n]{0,60}port ([0-9]{1,5})\b`,
    String.raw`connect to ([a-z0-9_.-]{1,100}) port ([0-9]{1,5})\b`,
    String.raw`((?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:]{2,45}\]):[0-9]{2,5})\b`,
    String.raw`(?:^|[\s/@(\["'=])([a-z][a-z0-9_.-]{0,100}:[0-9]{2,5})\b`,
    String.raw`(?:host|server|to|connecting to) ["']([a-z0-9_.-]{1,100})["']`,
  ],
  host: [
    String.raw`(?:enotfound|eai_again) ([a-z0-9_][a-z0-9_.-]{0,100})`,
    String.raw`\blookup ([a-z0-9_][a-z0-9_.-]{0,100})`,
    String.raw`(?:host name|hostname|host|address|upstream|resolve|name):? ["'(]{1,2}([a-z0-9_][a-z0-9_.-]{0,100})`,
    String.raw`resolve (?:the )?(?:host ?name|host|address|name)? ?:? ?["']?([a-z0-9_][a-z0-9_.-]{0,100})`,
    String.raw`unknown ?host(?:exception)?:? ["']?([a-z0-9_][a-z0-9_.-]{0,100})`,
  ],
  file: [
    String.raw`(?:open|stat|exec|read|write|mkdir|chown|chmod|access|file|directory|path|cannot create|cannot open)(?: directory| file)?:? ["'\x60]?(/[a-z0-9_./-]{1,100})`,
    String.raw`["'\x60](\.{0,2}/[a-z0-9_./-]{1,100})["'\x60]`,
    String.raw`(?:^|[\s:("'=])(/[a-z0-9_.-]{1,60}(?:/[a-z0-9_.-]{1,60}){0,10})`,
    String.raw`["'\x60]([a-z0-9_-]{1,60}\.[a-z0-9]{1,10})["'\x60]`,
  ],
  command: [
    String.raw`exec: \\?["']([a-z0-9_./-]{1,80})\\?["']`,
    String.raw`([a-z0-9_./-]{1,80}): (?:command )?not found`,
    String.raw`\bexec ([a-z0-9_./-]{1,80}): `,
    String.raw`command not found: ([a-z0-9_./-]{1,80})`,
    String.raw`(?:can't|cannot|could not) (?:open|execute|find|exec) (?:command )?["']?([a-z0-9_./-]{1,80})`,
  ],
  port: [
    String.raw`(?:0\.0\.0\.0|127\.0\.0\.1|\[?::\]?|localhost|\*):([0-9]{2,5})\b`,
    String.raw`\bport[ :=]{1,3}([0-9]{2,5})\b`,
    String.raw`:([0-9]{2,5})\b`,
  ],
  image: [
    String.raw`image:? \\?["']?([a-z0-9][a-z0-9_./:@-]{1,150})`,
    String.raw`manifest for ([a-z0-9][a-z0-9_./:@-]{1,150}) not found`,
    String.raw`access denied for ([a-z0-9][a-z0-9_./:@-]{1,150})`,
    String.raw`reference \\?["']([a-z0-9][a-z0-9_./:@-]{1,150})`,
  ],
  name: [
    String.raw`(?:secret|config|configmap)s? ["']([a-z0-9][a-z0-9_.-]{0,100})["']`,
    String.raw`key ([a-z0-9][a-z0-9_.-]{0,100}) in`,
    String.raw`not found: ([a-z0-9][a-z0-9_.-]{0,100})`,
    String.raw`file ([a-z0-9_./-]{1,100}) not found`,
    String.raw`(?:secret|config|configmap) ([a-z0-9][a-z0-9_.-]{0,100}) (?:not|does|was|is)\b`,
  ],
  module: [
    String.raw`no module named ['"]?([a-z0-9_.]{1,80})`,
    String.raw`cannot find (?:module|package) ['"]([@a-z0-9_./-]{1,80})`,
    String.raw`(?:class|classnotfoundexception)[: ]{1,2}([a-z0-9_./$]{1,100})`,
    String.raw`shared libraries: ([a-z0-9_.+-]{1,80})`,
    String.raw`cannot load such file -- ([a-z0-9_./-]{1,80})`,
  ],
};

/** Words in capitals that head a line and name no variable. */
const NO_NAMES: ReadonlySet<string> = new Set(
  'ERROR FATAL WARN WARNING INFO DEBUG CRITICAL PANIC ENV HTTP FAILED EXCEPTION NOT MISSING UTC'.split(
    ' ',
  ),
);

const compiled = new Map<DetailKind, readonly RE2JS[]>();

function patternsOf(kind: DetailKind): readonly RE2JS[] {
  let patterns = compiled.get(kind);
  if (patterns === undefined) {
    patterns = PATTERNS[kind].map((source) => RE2JS.compile(source, RE2JS.CASE_INSENSITIVE));
    compiled.set(kind, patterns);
  }
  return patterns;
}

/** The first token of that kind in a line. Time is linear in the line. */
export function detailOf(kind: DetailKind, line: string): string | undefined {
  for (const pattern of patternsOf(kind)) {
    const matcher = pattern.matcher(line);
    while (matcher.find()) {
      const groups = Array.from({ length: matcher.groupCount() }, (_, at) => matcher.group(at + 1));
      const detail = groups.filter((group) => group !== null && group !== undefined).join(':');
      const bare = detail.replace(/[.:/-]+$/, '');
      if (bare !== '' && !NO_NAMES.has(bare)) return bare;
    }
  }
  return undefined;
}
