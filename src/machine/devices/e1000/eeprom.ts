/** The EEPROM of the controller: 64 words, of which drivers read the address and check the sum (SDM 5.6). What PCI reads there stays 0. */

const WORDS = 64;
/** Initialization Control Word 1: bits 15:14 are the signature 01b of a valid EEPROM. */
const CONTROL_WORD_1 = { index: 0x0a, value: 0x4000 } as const;
/** All words add up to this (SDM 5.6.35). */
const CHECKSUM = 0xbaba;

/** Words of the EEPROM of a controller with that address of 6 bytes. */
export function eepromWords(mac: readonly number[]): Uint16Array {
  const words = new Uint16Array(WORDS);
  for (let index = 0; index < 3; index++) words[index] = (mac[2 * index] ?? 0) | ((mac[2 * index + 1] ?? 0) << 8);
  words[CONTROL_WORD_1.index] = CONTROL_WORD_1.value;
  words[WORDS - 1] = CHECKSUM - words.reduce((sum, word) => sum + word, 0);
  return words;
}
