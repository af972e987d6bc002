import { Unavailable } from './contender.js';

interface Openable<Opened> {
  readonly name: string;
  open(): Promise<Opened>;
}

/** Something that was there, and what it opened. */
export interface Open<Entrant, Opened> {
  readonly entrant: Entrant;
  readonly opened: Opened;
}

/**
 * Opens those of the entrants that are here, lets `measure` work with them, and closes them. A row for each entrant in their order: that of `measure`, which
 * returns one for each that it was given, or that of `skip` with the reason.
 */
export async function measureOpen<Entrant extends Openable<Opened>, Opened extends { close(): Promise<void> }, Row>(
  entrants: readonly Entrant[], measure: (open: readonly Open<Entrant, Opened>[]) => Promise<readonly Row[]>, skip: (name: string, reason: string) => Row,
): Promise<Row[]> {
  const open: Open<Entrant, Opened>[] = [];
  const places: number[] = [];
  const rows: Row[] = [];
  try {
    for (const [place, entrant] of entrants.entries()) {
      try {
        open.push({ entrant, opened: await entrant.open() });
        places.push(place);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        rows[place] = skip(entrant.name, error.message);
      }
    }
    for (const [i, row] of (await measure(open)).entries()) rows[places[i]] = row;
    return rows;
  } finally {
    for (const { opened } of open) await opened.close();
  }
}
