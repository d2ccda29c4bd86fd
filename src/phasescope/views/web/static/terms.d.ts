// what page.py writes as terms.js
export const PHASES: Record<string, Record<string, {sentence: string; svg: string}>>;
export const SECTIONS: Record<string, string[]>;
export const TERMS: Record<string, {word: string; sentence: string; more: string}>;
