// Checks that a leaf is in the audit log: RFC 6962 hashes, a C2SP tlog-proof, a checkpoint signed with Ed25519.
'use strict';
(() => {
  const at = document.getElementById('proof');
  if (!at) return;
  const text = new TextEncoder();
  const bytes = base64 => Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const join = (...parts) => Uint8Array.from(parts.flatMap(part => [...part]));
  const sha256 = async data => new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  const node = (left, right) => sha256(join([1], left, right));

  // rootOf goes up from the leaf, as RFC 9162, section 2.1.3.2, says.
  const rootOf = async (hash, index, size, path) => {
    let fn = index, sn = size - 1n;
    for (const sibling of path) {
      if (sn === 0n) throw new Error('the way up is too long');
      if (fn & 1n || fn === sn) {
        hash = await node(sibling, hash);
        while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
      } else {
        hash = await node(hash, sibling);
      }
      fn >>= 1n; sn >>= 1n;
    }
    if (sn !== 0n) throw new Error('the way up is too short');
    return hash;
  };

  // signed checks one signature of a note by the key "name+hash+base64".
  const signed = async (note, key) => {
    const [name, hash, material] = [key.split('+')[0], key.split('+')[1], key.split('+').slice(2).join('+')];
    const raw = bytes(material).slice(1); // after the byte of the algorithm
    const public_ = await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
    const end = note.indexOf('\n\n') + 1;
    for (const line of note.slice(end + 1).split('\n')) {
      const [, from, signature] = line.match(/^\u2014 (\S+) (\S+)$/) ?? [];
      if (from !== name) continue;
      const data = bytes(signature);
      const id = [...data.slice(0, 4)].map(b => b.toString(16).padStart(2, '0')).join('');
      if (id === hash && await crypto.subtle.verify({ name: 'Ed25519' }, public_, data.slice(4), text.encode(note.slice(0, end)))) return true;
    }
    return false;
  };

  const check = async () => {
    const [head, ...rest] = at.dataset.proof.split('\n\n');
    const note = rest.join('\n\n');
    const lines = head.split('\n').slice(1).filter(line => !line.startsWith('extra '));
    const index = BigInt(lines[0].match(/^index (\d+)$/)[1]);
    const path = lines.slice(1).map(bytes);
    const [, size, root] = note.split('\n');
    const leaf = await sha256(join([0], text.encode(at.dataset.leaf)));
    if (!equal(await rootOf(leaf, index, BigInt(size), path), bytes(root))) throw new Error('the leaf does not lead to the root of the checkpoint');
    if (!await signed(note, at.dataset.key)) throw new Error('the checkpoint is not signed by the key of the log');
    return `Your browser has checked it: the leaf is number ${index} of the ${size} that the log's key has signed.`;
  };

  check().then(said => { at.textContent = said; at.classList.add('works'); }, error => {
    at.textContent = crypto.subtle ? `The proof does not hold: ${error.message}` : 'Browsers check proofs over HTTPS and on loopback only.';
    at.classList.add('fails');
  });
})();
