import { code, isDigit, isHexDigit, isLetter } from './log-characters.ts';

const DASH = code('-');
const DOT = code('.');
const AT = code('@');
const COLON = code(':');

/** The token is text although it has a digit: `ssh2`, `HttpServer2`. */
export const NO_VALUE = -1;

const NAME_DIGITS_MAX = 2;
/** A hexadecimal number of fewer digits may as well be a name: `ee0`. */
const HEX_DIGITS_MIN = 4;

/**
 * Where the value begins within a token that has a digit: 0 where all of it is the value, NO_VALUE
 * where none is, else the length of the text before it, as in `node-17`, `core.2275`.
 */
export function valueStart(line: string, start: number, end: number): number {
  if (!isLetter(line.charCodeAt(start))) return 0;

  let joint = start;
  while (joint < end && isLetter(line.charCodeAt(joint))) joint += 1;
  const sign = referenceSign(line, joint, end);
  if (sign > 0) return sign + 1 - start;
  if (isNameThenNumber(line, joint, end)) return joint + 1 - start;
  return hasNameDigits(line, joint, end) && !isHexNumber(line, start, end) ? NO_VALUE : 0;
}

/** Where the `@` stands before a number or an address, as in `Timer@7317849d`, or 0. */
function referenceSign(line: string, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    if (line.charCodeAt(at) === AT && isHexOrDots(line, at + 1, end)) return at;
  }
  return 0;
}

/**
 * Letters, one dash or dot, and a number: `node-17`, `core.2275`, `jetty-6.1.26`. What a single dash
 * parts may have letters too, `node-D7`; with more parts it is a name: `msra-sa-41`.
 */
function isNameThenNumber(line: string, joint: number, end: number): boolean {
  const sign = line.charCodeAt(joint);
  if (joint + 1 >= end || (sign !== DASH && sign !== DOT)) return false;
  let letters = 0;
  let joiners = 0;
  for (let at = joint + 1; at < end; at += 1) {
    const unit = line.charCodeAt(at);
    if (isLetter(unit)) letters += 1;
    else if (!isDigit(unit)) joiners += 1;
  }
  if (sign === DOT) return letters === 0 && joiners === 0;
  return letters === 0 || joiners === 0;
}

/** A digit or two that hang on a letter belong to a name; more of them count or identify. */
function hasNameDigits(line: string, start: number, end: number): boolean {
  let digits = 0;
  let runs = 0;
  for (let at = start; at < end; at += 1) {
    if (!isDigit(line.charCodeAt(at))) continue;
    digits += 1;
    const before = line.charCodeAt(at - 1);
    if (isDigit(before)) continue;
    if (!isLetter(before)) return false;
    runs += 1;
  }
  return runs === 1 && digits <= NAME_DIGITS_MAX;
}

function isHexNumber(line: string, start: number, end: number): boolean {
  if (end - start < HEX_DIGITS_MIN) return false;
  for (let at = start; at < end; at += 1) if (!isHexDigit(line.charCodeAt(at))) return false;
  return true;
}

function isHexOrDots(line: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const unit = line.charCodeAt(at);
    if (!isHexDigit(unit) && unit !== DOT) return false;
  }
  return start < end;
}

/**
 * Where an address of hexadecimal groups ends that begins at `start` (MAC, IPv6, PCI), or 0. A time
 * of day is none.
 */
export function colonAddressEnd(line: string, start: number, end: number): number {
  let at = start;
  let group = 0;
  while (at < end && group <= 4 && isColonOrHex(line.charCodeAt(at))) {
    group = line.charCodeAt(at) === COLON ? 0 : group + 1;
    at += 1;
  }
  const isCut = group === 0 || group > 4 || (at < end && isLetter(line.charCodeAt(at)));
  return !isCut && isAddress(line, start, at) ? at : 0;
}

function isColonOrHex(unit: number): boolean {
  return unit === COLON || isHexDigit(unit);
}

/** `12:30:59` has too few groups for an address, and `add::bad` no digit. */
function isAddress(line: string, start: number, end: number): boolean {
  let colons = 0;
  let digits = 0;
  for (let at = start; at < end; at += 1) {
    const unit = line.charCodeAt(at);
    if (unit === COLON) colons += 1;
    else if (isDigit(unit)) digits += 1;
  }
  const letters = end - start - colons - digits;
  return colons >= 4 || (colons >= 2 && letters > 0 && digits > 0);
}

/** Where the dash of a range such as `10-20` stands, or 0. */
export function rangeDash(line: string, start: number, end: number): number {
  let dash = 0;
  for (let at = start; at < end; at += 1) {
    const unit = line.charCodeAt(at);
    if (isDigit(unit)) continue;
    if (unit !== DASH || dash > 0 || at === start) return 0;
    dash = at;
  }
  return dash === end - 1 ? 0 : dash;
}
