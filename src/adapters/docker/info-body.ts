import { z } from 'zod';
import type { EngineInfo } from '#ports/container-runtime.ts';
import { parseInstant } from './rfc3339.ts';

const InfoBody = z.object({
  ID: z.string().nullish(),
  Name: z.string(),
  ServerVersion: z.string().nullish(),
  NCPU: z.number().positive(),
  MemTotal: z.number().positive(),
  /** Absent before Docker 20.10, which knew only version 1. */
  CgroupVersion: z.string().nullish(),
  SystemTime: z.string(),
});

/** @throws {Error} the body is no description of an engine */
export function parseInfo(value: unknown, apiVersion: string): EngineInfo {
  const body = InfoBody.parse(value);
  const systemTimeMs = parseInstant(body.SystemTime);
  if (systemTimeMs === undefined) throw new Error(`no time: ${body.SystemTime}`);
  return {
    engineId: body.ID || body.Name,
    hostname: body.Name,
    serverVersion: body.ServerVersion ?? '',
    apiVersion,
    cpus: body.NCPU,
    memoryBytes: body.MemTotal,
    cgroupVersion: body.CgroupVersion === '2' || body.CgroupVersion === 'v2' ? 2 : 1,
    systemTimeMs,
  };
}
