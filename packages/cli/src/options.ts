import { Option, type Command } from 'commander';
import type { z } from 'zod';
import { defaultOf, metaOf, type SettingsSchema } from '@bptt/trainer/settings';

/**
 * Adds the options of `schema` to a command, each with its default in the help text. commander itself gets no defaults, so that an option
 * that was not given does not hide the one of a configuration file. Kept as the texts that were typed, numbers apart.
 * @param without keys that this command has no use for
 */
export function addOptions(command: Command, schema: SettingsSchema, without: readonly string[] = []): void {
  for (const key of Object.keys(schema.shape)) {
    if (without.includes(key)) continue;
    const { flags, help, defaultText } = metaOf(schema, key);
    const value = defaultOf(schema, key);
    const shown = defaultText ?? (value === undefined ? 'none: must be given' : shownDefault(value));
    if (flags.includes('<')) {
      command.addOption(new Option(flags, `${help} (default: ${shown})`).argParser(readValue(isNumeric(schema, key))));
    } else {
      command.option(flags, `${help} (default: ${shown})`);
      command.option(flags.replace('--', '--no-'), `not ${flags}`);
    }
  }
}

function shownDefault(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether a number is what `key` wants: then a text that is one becomes one, and any other stays, for the message. */
function isNumeric(schema: SettingsSchema, key: string): boolean {
  const schemaOfKey = schema.shape[key] as z.ZodType;
  return schemaOfKey.safeParse('').error?.issues[0]?.message.includes(' number ') === true;
}

function readValue(numeric: boolean): (typed: string) => string | number {
  return (typed) => (numeric && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(typed) ? Number(typed) : typed);
}
