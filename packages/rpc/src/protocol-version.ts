/** Oldest version of the protocol that this code speaks. */
export const PROTOCOL_VERSION_MIN = 2;
/** Newest version of the protocol that this code speaks: the one that a worker asks for. */
export const PROTOCOL_VERSION_MAX = 2;
