/**
 * An Aho-Corasick automaton over folded ASCII: finds every pattern of a set in one pass, a table
 * look-up for each character, whatever the text is.
 */
export interface Automaton {
  /** By `state + class of the character`; states are multiples of the number of classes. */
  readonly next: Int32Array;
  /** The class of each ASCII character; upper and lower case share one. 0 is in no pattern. */
  readonly classes: Uint8Array;
  /** States from here on end a pattern. */
  readonly firstFinal: number;
  /** The patterns that end in a state, longest first, by `(state - firstFinal) / stride`. */
  readonly endings: readonly (readonly number[])[];
  readonly stride: number;
}

interface Node {
  readonly children: Map<number, Node>;
  readonly own: number[];
  readonly depth: number;
  fallback: Node | undefined;
  all: readonly number[];
  state: number;
}

const newNode = (depth: number): Node => ({
  children: new Map(),
  own: [],
  depth,
  fallback: undefined,
  all: [],
  state: 0,
});

/** @param patterns ASCII, not empty; upper and lower case are the same */
export function buildAutomaton(patterns: readonly string[]): Automaton {
  const folded = patterns.map((pattern) => pattern.toLowerCase());
  const letters = [...new Set(folded.join(''))];
  const classes = new Uint8Array(128);
  for (const [index, letter] of letters.entries()) {
    classes[letter.charCodeAt(0)] = index + 1;
    classes[letter.toUpperCase().charCodeAt(0)] = index + 1;
  }
  const root = newNode(0);
  for (const [index, pattern] of folded.entries()) {
    let node = root;
    for (const letter of pattern) {
      const letterClass = classes[letter.charCodeAt(0)] ?? 0;
      const child = node.children.get(letterClass) ?? newNode(node.depth + 1);
      node.children.set(letterClass, child);
      node = child;
    }
    node.own.push(index);
  }
  return tables(root, classes, letters.length + 1);
}

function tables(root: Node, classes: Uint8Array, stride: number): Automaton {
  const nodes = linked(root);
  // Those that end nothing come first: the scan then needs one comparison to know.
  const ordered = [
    ...nodes.filter(({ all }) => all.length === 0),
    ...nodes.filter(({ all }) => all.length > 0),
  ];
  for (const [index, node] of ordered.entries()) node.state = index * stride;
  const next = new Int32Array(ordered.length * stride);
  // In order of depth, so that the row of a fallback is complete before it is copied.
  for (const node of nodes) {
    if (node.fallback !== undefined) {
      const row = next.subarray(node.fallback.state, node.fallback.state + stride);
      next.set(row, node.state);
    }
    for (const [letterClass, child] of node.children) next[node.state + letterClass] = child.state;
  }
  const finals = ordered.filter(({ all }) => all.length > 0);
  return {
    next,
    classes,
    stride,
    firstFinal: (ordered.length - finals.length) * stride,
    endings: finals.map(({ all }) => all),
  };
}

/** All nodes in order of depth, each with its fallback and with all the patterns that end in it. */
function linked(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) {
    node.all = [...node.own, ...(node.fallback?.all ?? [])];
    for (const [letterClass, child] of node.children) {
      let fallback = node.fallback;
      while (fallback !== undefined && !fallback.children.has(letterClass)) {
        fallback = fallback.fallback;
      }
      child.fallback = node === root ? root : (fallback?.children.get(letterClass) ?? root);
      nodes.push(child);
    }
  }
  return nodes;
}
