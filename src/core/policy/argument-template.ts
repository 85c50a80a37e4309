import { closest } from '#lib/edit-distance.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import { type CompiledExpression, compileExpression } from './cel.ts';

/** What of its target a policy may pass to a tool of another server. */
export const TARGET_FIELDS = ['name', 'id', 'key', 'host', 'project', 'service', 'image'] as const;
export type TargetField = (typeof TARGET_FIELDS)[number];

type Path = readonly (string | number)[];

/** Where a value stands in the policy (markers are steps of their own), and where in the call. */
export interface Place {
  readonly source: Path;
  readonly target: Path;
}

/** Arguments with their markers understood. */
export type TemplateNode = { readonly place: Place } & (
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  | { readonly kind: 'expression'; readonly expression: CompiledExpression }
  | { readonly kind: 'target'; readonly field: TargetField }
  | { readonly kind: 'secret'; readonly name: string }
  | { readonly kind: 'oneOf'; readonly options: readonly TemplateNode[] }
  | { readonly kind: 'list'; readonly items: readonly TemplateNode[] }
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, TemplateNode>> }
);

export interface ArgumentProblem {
  /** Within `arguments`, as the policy is written: markers are part of it. */
  readonly path: Path;
  readonly message: string;
  /** Whether the name is what is wrong, not what stands under it. */
  readonly part?: 'key';
}

/** Arguments nest at most this deep: a document can refer to itself. */
const DEPTH_MAX = 16;
const MARKERS = ['$expr', '$oneOf', '$target', '$secret'];
const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Finds the markers. Everything that is wrong is told, not only the first. */
export function parseTemplate(source: JsonObject): {
  readonly root: TemplateNode | undefined;
  readonly problems: readonly ArgumentProblem[];
} {
  const parser = new TemplateParser();
  if (Object.keys(source).some((name) => name.startsWith('$'))) {
    const message = 'arguments is an object of names; a marker stands in the place of a value';
    return { root: undefined, problems: [{ path: [], message }] };
  }
  const root = parser.parse(source, { source: [], target: [] });
  return { root: parser.problems.length > 0 ? undefined : root, problems: parser.problems };
}

class TemplateParser {
  readonly problems: ArgumentProblem[] = [];

  parse(value: JsonValue, place: Place): TemplateNode {
    if (place.source.length > DEPTH_MAX) {
      return this.#refuse(place, `is nested deeper than ${DEPTH_MAX}`);
    }
    if (Array.isArray(value)) {
      const items = value.map((item, index) => this.parse(item, under(place, index)));
      return { kind: 'list', place, items };
    }
    if (typeof value !== 'object' || value === null) {
      return { kind: 'literal', place, value: value as null | boolean | number | string };
    }
    if (!isJsonObject(value)) return this.#refuse(place, 'is no JSON value');

    const marker = Object.keys(value).find((name) => name.startsWith('$'));
    if (marker !== undefined) return this.#marker(marker, value, place);
    const fields = Object.entries(value).map(
      ([name, field]) => [name, this.parse(field, under(place, name))] as const,
    );
    return { kind: 'object', place, fields: Object.fromEntries(fields) };
  }

  #marker(marker: string, object: JsonObject, place: Place): TemplateNode {
    if (!MARKERS.includes(marker)) {
      const near = closest(marker, MARKERS);
      const hint =
        near === undefined ? `there are: ${MARKERS.join(', ')}` : `did you mean ${near}?`;
      const message = `there is no marker ${marker}; ${hint}`;
      this.problems.push({ path: [...place.source, marker], message, part: 'key' });
      return { kind: 'literal', place, value: null };
    }
    if (Object.keys(object).length > 1) {
      return this.#refuse(place, `${marker} must stand alone in its object`);
    }
    const value = object[marker] ?? null;
    const inner = inside(place, marker);
    if (marker === '$expr') return this.#expression(value, inner);
    if (marker === '$oneOf') return this.#oneOf(value, inner);
    if (marker === '$target') return this.#target(value, inner);
    return this.#secret(value, inner);
  }

  #expression(value: JsonValue, place: Place): TemplateNode {
    if (typeof value !== 'string') return this.#refuse(place, '$expr takes a CEL expression');
    const result = compileExpression(value);
    if (!result.ok) return this.#refuse(place, result.message);
    return { kind: 'expression', place, expression: result.expression };
  }

  #oneOf(value: JsonValue, place: Place): TemplateNode {
    if (!Array.isArray(value) || value.length === 0) {
      return this.#refuse(place, '$oneOf takes a list of at least one value');
    }
    const seen = new Map<string, number>();
    value.forEach((option, index) => {
      const text = JSON.stringify(option);
      const before = seen.get(text);
      if (before !== undefined) {
        this.#refuse(inside(place, index), `repeats option ${before + 1}`);
      }
      seen.set(text, index);
    });
    const options = value.map((option, index) => this.parse(option, inside(place, index)));
    return { kind: 'oneOf', place, options };
  }

  #target(value: JsonValue, place: Place): TemplateNode {
    const field = TARGET_FIELDS.find((name) => name === value);
    if (field !== undefined) return { kind: 'target', place, field };
    const near = typeof value === 'string' ? closest(value, TARGET_FIELDS) : undefined;
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return this.#refuse(place, `$target takes one of ${TARGET_FIELDS.join(', ')}${hint}`);
  }

  #secret(value: JsonValue, place: Place): TemplateNode {
    if (typeof value !== 'string' || !SECRET_NAME.test(value)) {
      return this.#refuse(place, '$secret takes the name of a secret, such as DB_PASSWORD');
    }
    return { kind: 'secret', place, name: value };
  }

  #refuse(place: Place, message: string): TemplateNode {
    this.problems.push({ path: place.source, message });
    return { kind: 'literal', place, value: null };
  }
}

function under({ source, target }: Place, step: string | number): Place {
  return { source: [...source, step], target: [...target, step] };
}

/** One step into a marker: the call does not have it. */
function inside({ source, target }: Place, step: string | number): Place {
  return { source: [...source, step], target };
}
