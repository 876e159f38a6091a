// Whether a value is the signature that drand's quicknet gave a round. A script of its own, since few draws need its curve: the
// worker fetches it when a draw has such a beacon.
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes } from "@noble/hashes/utils.js";

/** Key of the League of Entropy for quicknet (scheme bls-unchained-g1-rfc9380), and the tag its messages are hashed with. */
const KEY = hexToBytes(
  "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
);
const TAG = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/** Round and value as an entry has them: decimal digits, and 96 lower-case hex digits. */
export function isSignature(round: string, value: string): boolean {
  if (!/^[0-9a-f]{96}$/.test(value)) return false;
  const message = new Uint8Array(8);
  new DataView(message.buffer).setBigUint64(0, BigInt(round));
  const { shortSignatures, G1 } = bls12_381;
  try {
    const signature = G1.Point.fromHex(value);
    // On the curve, and in its group: a round has one signature only.
    signature.assertValidity();
    return shortSignatures.verify(signature, shortSignatures.hash(sha256(message), TAG), KEY);
  } catch {
    return false;
  }
}
