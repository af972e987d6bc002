import { plainArithmetic, type Arithmetic } from '../arithmetic.js';
import { BpttError } from '../errors.js';
import { adagrad } from './adagrad.js';
import { adam } from './adam.js';
import { momentum } from './momentum.js';
import type { Decay, Optimizer } from './optimizer.js';
import { rmsprop } from './rmsprop.js';
import { sgd } from './sgd.js';

export const OPTIMIZERS = ['sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adamw', 'asgd'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** An optimiser with everything that changes what it does. `asgd` descends as `sgd` does; what it averages is told in `asgd.ts`. */
export type OptimizerConfig = Decay &
  (
    | { readonly name: 'sgd' }
    | { readonly name: 'momentum' | 'nesterov'; readonly momentum: number }
    | { readonly name: 'adagrad'; readonly epsilon: number }
    | { readonly name: 'rmsprop'; readonly alpha: number; readonly epsilon: number }
    | { readonly name: 'adam' | 'adamw'; readonly betas: readonly [first: number, second: number]; readonly epsilon: number }
    | { readonly name: 'asgd'; readonly nonmono: number }
  );

/** Settings of optimisers, each optional. */
export interface OptimizerSettings {
  readonly momentum?: number | undefined;
  readonly betas?: readonly [first: number, second: number] | undefined;
  readonly epsilon?: number | undefined;
  readonly alpha?: number | undefined;
  readonly nonmono?: number | undefined;
  readonly l2?: number | undefined;
  readonly weightDecay?: number | undefined;
}

const DECAY = { l2: 0, weightDecay: 0 } as const;
/** What each optimiser can be told, with PyTorch's defaults. */
const DEFAULTS = {
  sgd: DECAY,
  momentum: { ...DECAY, momentum: 0.9 },
  nesterov: { ...DECAY, momentum: 0.9 },
  adagrad: { ...DECAY, epsilon: 1e-10 },
  rmsprop: { ...DECAY, alpha: 0.99, epsilon: 1e-8 },
  adam: { ...DECAY, betas: [0.9, 0.999], epsilon: 1e-8 },
  adamw: { ...DECAY, weightDecay: 0.01, betas: [0.9, 0.999], epsilon: 1e-8 },
  asgd: { ...DECAY, nonmono: 5 },
} as const satisfies Record<OptimizerName, OptimizerSettings>;

/** Learning rates for who sets none: those of PyTorch, and 1 for plain descent, where a clipped norm of 1 makes it the length of a step. */
export const LEARNING_RATES: Readonly<Record<OptimizerName, number>> = { sgd: 1, momentum: 0.1, nesterov: 0.1, adagrad: 0.01, rmsprop: 0.01, adam: 0.001, adamw: 0.001, asgd: 1 };

const share = { expected: 'a number from 0 and below 1', isLegal: (value: number): boolean => value >= 0 && value < 1 };
const fromZero = { expected: 'a number from 0', isLegal: (value: number): boolean => value >= 0 && Number.isFinite(value) };
const LEGAL = {
  momentum: share,
  alpha: share,
  betas: share,
  epsilon: { expected: 'a number above 0', isLegal: (value: number): boolean => value > 0 && Number.isFinite(value) },
  nonmono: { expected: 'a whole number from 1', isLegal: (value: number): boolean => Number.isSafeInteger(value) && value >= 1 },
  l2: fromZero,
  weightDecay: fromZero,
} as const satisfies Record<keyof OptimizerSettings, object>;

/**
 * An optimiser by name, with `settings` in place of its defaults.
 * @throws BpttError `invalid-argument` for a setting that this optimiser does not have, or a value out of range
 */
export function optimizerConfig(name: OptimizerName, settings: OptimizerSettings = {}): OptimizerConfig {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined) as [keyof OptimizerSettings, number | readonly number[]][];
  for (const [key, value] of given) {
    if (!(key in DEFAULTS[name])) throw new BpttError('invalid-argument', `${key}: expected only with optimizer ${ownersOf(key).join(' or ')}, got optimizer ${name}`);
    const { expected, isLegal } = LEGAL[key];
    if (![value].flat().every(isLegal)) throw new BpttError('invalid-argument', `${key}: expected ${expected}, got ${[value].flat().join(',')}`);
  }
  return { name, ...DEFAULTS[name], ...Object.fromEntries(given) } as unknown as OptimizerConfig;
}

/** The rule of `config`. @param arithmetic does its passes; default: the plain loops */
export function createOptimizer(config: OptimizerConfig, { descend }: Pick<Arithmetic, 'descend'> = plainArithmetic): Optimizer {
  switch (config.name) {
    case 'sgd':
    case 'asgd':
      return sgd(config, descend.sgd, descend.decayedSgd);
    case 'momentum':
    case 'nesterov':
      return momentum({ ...config, nesterov: config.name === 'nesterov' }, descend.momentum);
    case 'adagrad':
      return adagrad(config, descend.adagrad);
    case 'rmsprop':
      return rmsprop(config, descend.rmsprop);
    case 'adam':
    case 'adamw':
      return adam(config, descend.adam);
  }
}

/**
 * Reads `first,second`, the betas of Adam.
 * @throws BpttError `invalid-argument` for anything but two numbers
 */
export function parseBetas(text: string): readonly [first: number, second: number] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (numbers.length !== 2 || numbers.some(Number.isNaN)) throw new BpttError('invalid-argument', `betas: expected two numbers first,second, got ${JSON.stringify(text)}`);
  return [numbers[0], numbers[1]];
}

function ownersOf(key: keyof OptimizerSettings): OptimizerName[] {
  return OPTIMIZERS.filter((name) => key in DEFAULTS[name]);
}
