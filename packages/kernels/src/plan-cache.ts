import type { Plan } from './plan.js';

/** Compiled plans, of which the ones that were not used for longest make room for new ones. */
export interface PlanCache {
  /** The plan called `key`, compiled now where there is none. */
  obtain(key: string, compile: () => Plan): Plan;
  /** Keys held, least recently used first. */
  keys(): string[];
  dispose(): void;
}

/** @param plansMax how many plans are held at most */
export function createPlanCache(plansMax: number): PlanCache {
  // A Map iterates in the order of insertion: using a plan takes it out and puts it in again, at the end.
  const plans = new Map<string, Plan>();
  return {
    obtain(key, compile) {
      const plan = plans.get(key) ?? compile();
      plans.delete(key);
      plans.set(key, plan);
      if (plans.size > plansMax) {
        const [oldestKey, oldest] = plans.entries().next().value ?? [key, plan];
        plans.delete(oldestKey);
        oldest.dispose();
      }
      return plan;
    },
    keys: () => [...plans.keys()],
    dispose() {
      for (const plan of plans.values()) plan.dispose();
      plans.clear();
    },
  };
}
