// Package audit is an append-only log of small entries, its leaves, that can be verified by whoever does not trust the
// machine that wrote it: a Merkle tree (RFC 6962) in the files of C2SP tlog-tiles, under checkpoints signed with Ed25519
// (C2SP tlog-checkpoint, signed-note), which witnesses may cosign (tlog-witness, tlog-cosignature). What a leaf means is
// its writer's business; here it is bytes, at most [MaxLeaf] of them.
//
// # The life of a leaf
//
//  1. [Log.Append] queues it, in memory and within bounds, and returns a [Pending].
//  2. Once a second, or as soon as somebody waits, all that is queued becomes one commit under the lock of the folder:
//     bundles of entries and tiles of hashes are written and synced, then a checkpoint over them is signed, kept
//     beside the key, and published. commit.go says at each step what a crash there means.
//  3. [Pending.Wait] returns: the leaf is in the tree of a durable checkpoint, at its index, for ever.
//  4. Witnesses are asked to cosign the newest checkpoint. Nobody waits for them.
//
// [Verify] recomputes the tree from the entries and names what was changed. [Prove] makes a proof that a leaf is in the
// log (C2SP tlog-proof) that needs nothing but itself and the log's public key; [ProveConsistency] one that a checkpoint
// extends an earlier one.
//
// # What it promises, and what it does not
//
// Who can write the files but cannot sign is found by the checkpoint. Who can sign as well can write another history,
// and is found only by somebody who remembers the old one: an auditor who kept a checkpoint, or a witness. Leaves that
// were never appended are in no log.
package audit
