'use strict';

/** The numbers of a base64 text as a typed array of the given class. */
function unpack(text, Type) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Type(bytes.buffer);
}

/** Points kept as 16-bit steps, (V * 3) metres. */
function unpackPoints(record) {
  const steps = unpack(record.data, Uint16Array);
  const points = new Float32Array(steps.length);
  for (let i = 0; i < steps.length; i++) {
    points[i] = record.low[i % 3] + record.step[i % 3] * steps[i];
  }
  return points;
}

/** Vertex indices of the triangles, (F * 3). */
function unpackFaces(record) {
  return unpack(record.data, record.type === 'uint16' ? Uint16Array : Uint32Array);
}

/** Blend weights: how many joints move each vertex, which ones and by what share. */
function unpackSkin(record) {
  if (record === null) return null;
  return {
    jointCount: record.num_joints,
    counts: unpack(record.counts, Uint8Array),
    joints: unpack(record.joints, Uint8Array),
    weights: Float32Array.from(unpack(record.weights, Uint16Array), (w) => w / 65535),
  };
}

/** One person's mesh, frame by frame. */
class Person {
  constructor(record, faces, skin) {
    this.id = record.id;
    this.name = `Person ${record.id}`;
    this.color = record.color;
    this.enabled = true;
    // Row of the person's poses for each frame of the page, -1 where absent.
    this.rows = record.rows;
    this.row = -1;
    this.faces = faces;
    this.skin = skin;
    this.poses = record.poses;
    if (skin) {
      this.rest = unpackPoints(record.rest);
      this.matrices = unpack(record.matrices, Float32Array);
      this.positions = new Float32Array(this.rest.length);
    } else {
      const count = this.poses.length ? unpackPoints(this.poses[0]).length : 0;
      this.positions = new Float32Array(count);
    }
    this.normals = new Float32Array(this.positions.length);
  }

  get present() {
    return this.row >= 0;
  }

  /** Take the pose of a frame; false if the arrays did not change. */
  show(frame) {
    const row = this.rows[frame];
    if (row === this.row) return false;
    this.row = row;
    if (row < 0) return false;
    if (this.skin) this.blend(row);
    else this.positions.set(unpackPoints(this.poses[row]));
    this.orient();
    return true;
  }

  /** Linear blend skinning with all weights; the matrices are 3 x 4, row by row. */
  blend(row) {
    const { counts, joints, weights } = this.skin;
    const { rest, matrices: m, positions } = this;
    const size = 12 * this.skin.jointCount;
    for (let v = 0, entry = 0; v < counts.length; v++) {
      const x = rest[3 * v], y = rest[3 * v + 1], z = rest[3 * v + 2];
      let px = 0, py = 0, pz = 0;
      for (const end = entry + counts[v]; entry < end; entry++) {
        const w = weights[entry];
        const o = size * row + 12 * joints[entry];
        px += w * (m[o] * x + m[o + 1] * y + m[o + 2] * z + m[o + 3]);
        py += w * (m[o + 4] * x + m[o + 5] * y + m[o + 6] * z + m[o + 7]);
        pz += w * (m[o + 8] * x + m[o + 9] * y + m[o + 10] * z + m[o + 11]);
      }
      positions[3 * v] = px;
      positions[3 * v + 1] = py;
      positions[3 * v + 2] = pz;
    }
  }

  /** Vertex normals, faces weighted by their area; the shader scales them to 1. */
  orient() {
    const { faces, positions: p, normals: n } = this;
    n.fill(0);
    for (let i = 0; i < faces.length; i += 3) {
      const a = 3 * faces[i], b = 3 * faces[i + 1], c = 3 * faces[i + 2];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      n[a] += nx; n[a + 1] += ny; n[a + 2] += nz;
      n[b] += nx; n[b + 1] += ny; n[b + 2] += nz;
      n[c] += nx; n[c + 1] += ny; n[c + 2] += nz;
    }
  }
}
