/**
 * The first key that comes twice in one object of `json`, which must be well-formed. JSON.parse keeps the last of them without a word, so
 * that two readers might see different files.
 */
export function findDuplicateKey(json: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  // A string with the colon that makes it a key, or a bracket; all else is of no interest here.
  for (const [token, literal, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (token === '{') objects.push(new Set());
    else if (token === '[') objects.push(undefined);
    else if (token === '}' || token === ']') objects.pop();
    else if (colon) {
      const key = JSON.parse(literal) as string;
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
