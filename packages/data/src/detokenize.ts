import type { TokenKind } from './text-options.js';

const TIGHT_BEFORE = /^(?:[,.!?;:)\]}%’”»…'、。，！？：；）」』]+|''|n['’]t|['’](?:s|m|d|ll|re|ve|t))$/iu;
const TIGHT_AFTER = /^(?:[([{$£€#“‘«„（「『]+|``)$/u;
const TIGHT_BOTH = /^(?:-{1,3}|[–—/]+)$/u;
const NO_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}、。，！？：；（）「」『』]/u;

/**
 * Readable text of generated tokens: no space before `, . ! ? ; : )`, after `(`, around dashes, or between words of scripts that write none.
 * SENTENCE_START and SENTENCE_END are left out. The original spacing is not recorded in tokens, so this is a good guess, not an inverse;
 * for `char` it is exact.
 */
export function detokenize(words: readonly string[], kind: TokenKind): string {
  const visible = words.filter((word) => word !== 'SENTENCE_START' && word !== 'SENTENCE_END');
  if (kind === 'char') return visible.join('');
  let text = '';
  let glued = true;
  let isQuoted = false;
  visible.forEach((word, i) => {
    const closes = word === '"' && isQuoted;
    if (word === '"') isQuoted = !isQuoted;
    const both = TIGHT_BOTH.test(word);
    const spaceless = i > 0 && NO_SPACES.test(word) && NO_SPACES.test(visible[i - 1]);
    text += glued || both || closes || spaceless || TIGHT_BEFORE.test(word) ? word : ` ${word}`;
    glued = both || TIGHT_AFTER.test(word) || (word === '"' && !closes);
  });
  return text;
}
