/** Counts octets that requests have announced, so that many of them together cannot fill the memory. */
export interface BodyBudget {
  /** False when there is no room for so many octets now. */
  take(octets: number): boolean;
  giveBack(octets: number): void;
}

/** A budget of `maxOctets`. */
export function createBodyBudget(maxOctets: number): BodyBudget {
  let taken = 0;
  return {
    take: (octets) => {
      if (taken + octets > maxOctets) return false;
      taken += octets;
      return true;
    },
    giveBack: (octets) => {
      taken -= octets;
    },
  };
}
