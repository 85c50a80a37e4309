import { isWorthHiding, type KnownValue } from './known-values.ts';
import { secretName } from './names.ts';
import { createRedactor } from './redactor.ts';

/** Where the files are that hold secrets of a container: paths within it. */
export interface SecretFiles {
  /** Files and folders to be read, each outside the others. */
  readonly paths: readonly string[];
  /** What variables call a file: `PGPASSWORD` for the path in `PGPASSWORD_FILE`. */
  readonly names: ReadonlyMap<string, string>;
}

/** A small file of text, as it was read. */
export interface SecretFile {
  readonly path: string;
  readonly text: string;
}

/** Where Docker, Compose and Swarm put secrets; in most images the second is the first. */
const FOLDERS = ['/run/secrets', '/var/run/secrets'];
const FILES_MAX = 64;
/** Of one container; the variables and the whole files come first. */
const VALUES_MAX = 512;
/** A shorter line of many is no secret by itself. */
const LINE_CHARS_MIN = 8;

/**
 * Tells where files of secrets are: what is mounted where secrets are, and what a variable such as
 * `PGPASSWORD_FILE` names there; elsewhere only a mounted file behind the name of a secret, since
 * `CONFIG_FILE` is none.
 *
 * @param mounts paths within the container
 * @param env `NAME=VALUE`, as Docker has them
 * @returns `undefined` when there are none
 */
export function secretFilesOf(
  mounts: readonly string[],
  env: readonly string[],
): SecretFiles | undefined {
  const mounted = mounts.flatMap((path) => plainPath(path) ?? []);
  const named = env.flatMap(fileVariable).filter(({ name, path }) => {
    if (isDeclared(path)) return true;
    return secretName(name) !== undefined && mounted.some((mount) => isWithin(path, mount));
  });
  const wanted = [...mounted.filter(isDeclared), ...named.map(({ path }) => path)];
  const paths = [...new Set(wanted)]
    .sort()
    .filter((path, _index, all) => !all.some((other) => other !== path && isWithin(path, other)));
  if (paths.length === 0) return undefined;
  return {
    paths: paths.slice(0, FILES_MAX),
    names: new Map(named.map(({ name, path }) => [path, name])),
  };
}

/**
 * What is secret in files: each as a whole, as a file of variables where it is one, and by lines. What
 * lies where secrets are kept is one, whatever it is called.
 */
export function secretsIn(
  files: readonly SecretFile[],
  names: SecretFiles['names'],
): readonly KnownValue[] {
  const parts = files.map(({ path, text }) => {
    const name = names.get(path) ?? nameOf(path);
    return partsOf(
      text,
      isDeclared(path) ? (value) => named(name, value) : (value) => ({ name, value }),
    );
  });
  const all = [...parts.flatMap(({ values }) => values), ...parts.flatMap(({ lines }) => lines)];
  return all.filter(isWorthHiding).slice(0, VALUES_MAX);
}

interface Parts {
  readonly values: readonly KnownValue[];
  readonly lines: readonly KnownValue[];
}

function partsOf(text: string, toValue: (value: string) => KnownValue): Parts {
  const whole = text.trim();
  const lines = whole
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const variables = lines.flatMap((line) => variableIn(line) ?? []);
  if (variables.length === lines.length && lines.length > 1) {
    return { values: variables.flatMap(valuesOf), lines: [] };
  }
  const long = lines.length > 1 ? lines.filter((line) => line.length >= LINE_CHARS_MIN) : [];
  return {
    values: [toValue(whole), ...variables.flatMap(valuesOf), ...secretsWithin(whole)],
    lines: long.map(toValue),
  };
}

/** A variable, and what is secret within it: the password of a URL, say. */
export function valuesOf(variable: string): KnownValue[] {
  const equals = variable.indexOf('=');
  if (equals < 0) return [];
  const name = variable.slice(0, equals);
  const value = variable.slice(equals + 1);
  return [{ name, value }, ...secretsWithin(variable, equals, value.length)];
}

/** What is secret in a text by its form; the whole of a variable's value is known as such. */
function secretsWithin(text: string, after = -1, wholeLength = text.length): KnownValue[] {
  return (
    createRedactor()
      .find(text)
      .filter(({ start, end }) => start > after && end - start < wholeLength)
      // Under this name it is judged as what it is: a password.
      .map(({ start, end, kind }) => ({
        name: kind.includes('token') ? 'TOKEN' : 'PASSWORD',
        value: text.slice(start, end),
      }))
  );
}

/** `pg` promises nothing, but its folder does. */
function named(name: string, value: string): KnownValue {
  return { name: isWorthHiding({ name, value }) ? name : `${name}_password`, value };
}

/** `db_password` for `/run/secrets/db_password.txt`. */
function nameOf(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/(?<=.)\.[^.]*$/, '');
}

/** `NAME=VALUE` of a line such as `export NAME="VALUE"`. */
function variableIn(line: string): string | undefined {
  const [, name, value = ''] = /^(?:export\s+)?([A-Za-z_][\w.-]*)=(.*)$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const [, , inQuotes = value] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return `${name}=${inQuotes}`;
}

function fileVariable(variable: string): { readonly name: string; readonly path: string }[] {
  const [, name = '', value = ''] = /^([^=]+)_FILE=(\/.*)$/i.exec(variable) ?? [];
  const path = plainPath(value);
  return path === undefined ? [] : [{ name, path }];
}

/** Whether it lies where secrets are kept, so that it is one whatever it is called. */
function isDeclared(path: string): boolean {
  return FOLDERS.some((folder) => isWithin(path, folder));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** In its shortest form; `undefined` where there is none, since a path that climbs may lead anywhere. */
function plainPath(path: string): string | undefined {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (!path.startsWith('/') || segments.length === 0 || segments.includes('..')) return undefined;
  return `/${segments.join('/')}`;
}
