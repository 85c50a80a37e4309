/** One line of `/proc/PID/mountinfo`, as far as it is used here. */
export interface Mount {
  /** As the process sees it, absolute. */
  readonly point: string;
  readonly readOnly: boolean;
}

/**
 * Reads `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: options
 * of the mount in the sixth field, of the file system in the last.
 */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [own = '', filesystem = ''] = line.split(' - ');
    const [, , , , point, options = ''] = own.split(' ');
    if (point === undefined) return [];
    const superOptions = filesystem.split(' ').at(-1) ?? '';
    const readOnly = hasRo(options) || hasRo(superOptions);
    return [{ point: unescapeOctal(point), readOnly }];
  });
}

/** The deepest mount above the path decides; of several on one point, the one on top. */
export function isReadOnly(mounts: readonly Mount[], path: string): boolean {
  let deepest: Mount | undefined;
  for (const mount of mounts) {
    const { point } = mount;
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    if (isAbove && point.length >= (deepest?.point.length ?? 0)) deepest = mount;
  }
  return deepest?.readOnly ?? false;
}

function hasRo(options: string): boolean {
  return options.split(',').includes('ro');
}

/** Spaces, tabs, line feeds and backslashes are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
