import { ENDS, FAULTS } from './faults.ts';
import type { Happening } from './happening.ts';
import { PEOPLE } from './people.ts';
import { TROUBLE } from './trouble.ts';

/** All that may happen on a simulated host. */
export const HAPPENINGS: readonly Happening[] = [...TROUBLE, ...PEOPLE, ...FAULTS, ...ENDS];
