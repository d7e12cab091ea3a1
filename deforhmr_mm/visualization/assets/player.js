'use strict';

/** The pictures of the frames, decoded when needed; a few stay ready. */
class Pictures {
  constructor(encoded) {
    this.encoded = encoded;
    this.decoded = new Map();
  }

  /** A promise of the frame's picture. */
  get(index) {
    let picture = this.decoded.get(index);
    if (picture === undefined) {
      const jpeg = unpack(this.encoded[index], Uint8Array);
      picture = createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
    }
    // The latest one goes to the end; the front of the map is the longest unused.
    this.decoded.delete(index);
    this.decoded.set(index, picture);
    if (this.decoded.size > 24) {
      const [oldest, unused] = this.decoded.entries().next().value;
      this.decoded.delete(oldest);
      unused.then((bitmap) => bitmap.close());
    }
    return picture;
  }
}

/** Shows frames, one after the other or as asked for; picture and people together. */
class Player {
  constructor(count, fps, pictures, show) {
    this.count = count;
    this.fps = fps;
    this.pictures = pictures;
    this.show = show;
    this.frame = -1;
    this.playing = false;
    this.speed = 1;
    this.loop = true;
    this.onPlaying = () => {};
    this.wanted = -1;
    this.busy = null;
  }

  /** A promise that is kept when the frame, or one asked for later, is shown. */
  setFrame(index) {
    this.wanted = Math.max(0, Math.min(this.count - 1, Math.round(index)));
    // One at a time: a slow decoder skips frames, but never shows none.
    if (!this.busy) this.busy = this.work().finally(() => { this.busy = null; });
    return this.busy;
  }

  async work() {
    while (this.frame !== this.wanted) {
      const index = this.wanted;
      const picture = await this.pictures.get(index);
      this.frame = index;
      this.show(index, picture);
    }
    for (let ahead = 1; this.playing && ahead <= 3; ahead++) {
      this.pictures.get((this.frame + ahead) % this.count);
    }
  }

  step(change) {
    this.pause();
    return this.setFrame(this.wanted + change);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.playing || this.count < 2) return;
    this.playing = true;
    this.onPlaying(true);
    if (this.wanted === this.count - 1) this.setFrame(0);
    // Where the film is, in frames; asked-for frames set it anew.
    let place = this.wanted;
    let before = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      if (Math.floor(place) !== this.wanted) place = this.wanted;
      place += (Math.max(0, now - before) / 1000) * this.fps * this.speed;
      before = now;
      if (place >= this.count && !this.loop) {
        this.setFrame(this.count - 1);
        this.pause();
        return;
      }
      place %= this.count;
      if (Math.floor(place) !== this.wanted) this.setFrame(Math.floor(place));
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.onPlaying(false);
  }
}
