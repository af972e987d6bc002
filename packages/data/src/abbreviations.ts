/** Written before a name: a sentence never ends here. */
const TITLES = words(
  'Mr Mrs Ms Mx Dr Drs Prof St Ste Mt Messrs Mme Mmes Mlle Capt Cpt Col Gen Lt Sgt Maj Cmdr Adm Gov Sen Rep Rev Hon Pres Sra Srta Dra Hr Fr',
  'mr mrs ms dr prof capt',
);

/** A sentence may end here, but seldom does. */
const ABBREVIATIONS = words(
  'etc vs cf viz ca approx al dept vol vols pp ibid incl resp Fig Figs No Nos Vol Ch Sec Inc Ltd Corp Bros Jr Sr Esq Ave Blvd Rd',
  'Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec bzw usw ggf evtl Nr Bd',
);

/** Words that open a sentence so much more often than they follow an abbreviation that they decide the doubt. */
const OPENERS = words(
  'The A An He She It We You They I This That These Those There Then But And Or So In On At As If When While What Why How Who',
  'His Her Its Our My Your Their For From With After Before Now No Not Yet Nor Let',
);

const TAIL_UNITS = 24;
const DOTTED_LETTERS = /^(?:\p{L}\.)+\p{L}$/u;
const INITIAL = /^(?!I$)\p{Lu}$/u;
const NEXT_WORD = /^[\s"'“‘«([]*(\p{L}+)/u;
const CLOSED_EXCLAMATION = /[!?…]["'”’»)\]]+$/u;
const BEGINS_LOWER = /^\s*\p{Ll}/u;

/**
 * Whether the sentence `before` goes on in `after`, although punctuation rules see a boundary there: after an abbreviation or an initial
 * (`Mr. | Smith`, `the U.S. | Army`), and after quoted speech (`"What?" | she said.`). The word `I.` is taken for a sentence's end.
 */
export function joinsNext(before: string, after: string): boolean {
  const tail = before.slice(-TAIL_UNITS).trimEnd();
  if (!tail.endsWith('.')) return CLOSED_EXCLAMATION.test(tail) && BEGINS_LOWER.test(after);
  const word = lastWord(tail);
  if (TITLES.has(word)) return true;
  const isAbbreviation = word.length <= 2 || word.includes('.') ? DOTTED_LETTERS.test(word) || INITIAL.test(word) : false;
  if (!isAbbreviation && !ABBREVIATIONS.has(word)) return false;
  return !OPENERS.has(NEXT_WORD.exec(after)?.[1] ?? '');
}

/** Letters and full stops before the full stop that ends `text`. */
function lastWord(text: string): string {
  let begin = text.length - 1;
  while (begin > 0 && isWordUnit(text.charCodeAt(begin - 1))) begin -= 1;
  return text.slice(begin, -1);
}

/** Whether a UTF-16 unit is a full stop or, by and large, of a letter: quotation marks and dashes lie from U+2000 to U+206F. */
function isWordUnit(unit: number): boolean {
  if (unit < 0x80) return unit === 0x2e || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);
  return unit >= 0xc0 && (unit < 0x2000 || unit > 0x206f);
}

function words(...lists: readonly string[]): ReadonlySet<string> {
  return new Set(lists.flatMap((list) => list.split(' ')));
}
