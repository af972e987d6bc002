/** Oldest version of the protocol that this server speaks. */
export const PROTOCOL_VERSION_MIN = 1;
/** Newest version of the protocol that this server speaks. */
export const PROTOCOL_VERSION_MAX = 1;
