import { BpttError, messageOf } from '@bptt/core';
import { z } from 'zod';

/** What the command line says about one setting. The key of a setting is its name in a configuration file. */
export interface SettingMeta {
  /** As commander reads it: `--hidden <units>`, or `--biases` for one that is on or off. */
  readonly flags: string;
  readonly help: string;
  /** The default as people read it, where it is computed or needs words. */
  readonly defaultText?: string;
}

/** A schema of settings: every entry is optional or has a default, and carries a `SettingMeta`. */
export type SettingsSchema = z.ZodObject<z.ZodRawShape, z.core.$strict>;

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
const expecting = (what: string) => ({ error: ({ input }: { readonly input?: unknown }) => `expected ${what}, got ${shown(input)}` });

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number): z.ZodNumber {
  const e = expecting(`a whole number from ${String(least)} to ${String(most)}`);
  return z.number(e).int(e).min(least, e).max(most, e);
}

/** A number from `least` (excluded where `above`) to `most`. */
export function realNumber(least: number, most: number, { above = false } = {}): z.ZodNumber {
  const e = expecting(above ? `a number above ${String(least)} and up to ${String(most)}` : `a number from ${String(least)} to ${String(most)}`);
  return above ? z.number(e).gt(least, e).max(most, e) : z.number(e).min(least, e).max(most, e);
}

/** One whole number or several, each from `least` to `most`: `200` or `[400, 200]` in a file, `400,200` on a command line. */
export function wholeNumbers(least: number, most: number) {
  const e = expecting(`a whole number from ${String(least)} to ${String(most)}, or several`);
  return z.union([z.number(), z.string(), z.array(z.number()).readonly()], e).transform((given, context): readonly number[] => {
    const numbers = typeof given === 'string' ? given.split(',').map((word) => (/^ *\d+ *$/.test(word) ? Number(word) : NaN)) : [given].flat();
    if (numbers.length > 0 && numbers.every((value) => Number.isInteger(value) && value >= least && value <= most)) return numbers;
    context.addIssue({ code: 'custom', message: e.error({ input: given }) });
    return z.NEVER;
  });
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T): z.ZodEnum<z.core.util.ToEnum<T[number]>> {
  return z.enum(words, expecting(words.length === 1 ? words[0] : `one of ${words.join(', ')}`));
}

/** On or off. */
export function onOff(): z.ZodBoolean {
  return z.boolean(expecting('true or false'));
}

/** Any text but the empty one. */
export function text(what = 'a text'): z.ZodString {
  return z.string(expecting(what)).min(1, expecting(what));
}

/** A text that `parse` reads; its error, which must be one line, is the message. */
export function textRead<T>(parse: (given: string) => T, what: string) {
  return z.string(expecting(what)).transform((given, context) => {
    try {
      return parse(given);
    } catch (error) {
      const message = messageOf(error);
      context.addIssue({ code: 'custom', message: message.replace(/^\w+: /, '') });
      return z.NEVER;
    }
  });
}

/**
 * Settings as they were given, defaults for the rest; undefined is not given.
 * @throws BpttError `invalid-argument` for the first key that is unknown or has a bad value: `key: expected ..., got ...`
 */
export function parseSettings<S extends SettingsSchema>(schema: S, given: Readonly<Record<string, unknown>>): z.output<S> {
  const result = schema.safeParse(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  if (result.success) return result.data;
  throw new BpttError('invalid-argument', firstIssue(schema, result.error));
}

function firstIssue(schema: SettingsSchema, { issues }: z.ZodError): string {
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown !== undefined) return `${unknown.keys[0]}: expected one of the keys ${Object.keys(schema.shape).join(', ')}, got an unknown key`;
  const [{ path, message }] = issues;
  return `${path.map(String).join('.')}: ${message}`;
}

/** What the command line says about `key`. */
export function metaOf(schema: SettingsSchema, key: string): SettingMeta {
  return (schema.shape[key] as z.ZodType).meta() as unknown as SettingMeta;
}

/** Default of `key`: undefined where it has none or computes it. */
export function defaultOf(schema: SettingsSchema, key: string): unknown {
  const { data } = (schema.shape[key] as z.ZodType).safeParse(undefined);
  return data;
}
