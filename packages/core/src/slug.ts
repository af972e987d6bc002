/** `text` as a part of an id: lower-case letters, digits and points, with single hyphens between. */
export function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-').replaceAll(/^-|-$/g, '');
}
