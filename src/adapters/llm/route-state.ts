import type { Clock } from '#ports/clock.ts';
import type { RouteReadiness } from '#ports/model-client.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import type { Variant } from './request-body.ts';
import type { Route } from './settings.ts';
import { createSlots, type Slots } from './slots.ts';

/** What is remembered of a model at a provider, under whatever alias it is asked. */
export interface RouteState {
  readonly breaker: Breaker;
  /** All models of a provider share them. */
  readonly slots: Slots;
  /** The form of a request that it was found to take; absent: the usual one. */
  variant?: Variant;
  /** What the last probe or request has shown. */
  readiness?: RouteReadiness;
}

export type RouteStates = (route: Route) => RouteState;

/** Policies come and go, and each may name models of its own: the oldest are forgotten. */
const STATES_MAX = 256;

export function createRouteStates(clock: Pick<Clock, 'bootMs'>): RouteStates {
  const states = new Map<string, RouteState>();
  const slotsOf = new Map<string, Slots>();

  return ({ provider, model }) => {
    const key = `${provider.name}/${model.name}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const slots = slotsOf.get(provider.name) ?? createSlots(provider.maxConcurrent);
    slotsOf.set(provider.name, slots);
    const state: RouteState = { breaker: createBreaker(clock), slots };
    states.set(key, state);
    const [oldest] = states.keys();
    if (states.size > STATES_MAX && oldest !== undefined) states.delete(oldest);
    return state;
  };
}
