import { z } from 'zod';
import { WorkloadObject } from '#core/projection/schema.ts';
import { workloadObject } from '#core/projection/workload-object.ts';
import type { HttpSources } from '../options.ts';
