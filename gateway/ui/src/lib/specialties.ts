/** Specialties that have a name here; others are shown by their codes. */
export const specialties = ['food', 'equipment'] as const;
