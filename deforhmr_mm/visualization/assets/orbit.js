'use strict';

/**
 * Turns, moves and zooms a view by mouse, pen or fingers; the horizon stays level.
 *
 * The view is that of a camera which is `offset` from `pivot` in its own axes, after
 * turns by `azimuth` about the vertical and by `elevation` about its horizontal axis.
 * The pivot need not lie in the middle of the view, so the picture's own camera is such
 * a view as well and turning goes on from it without a jump.
 */
class Orbit {
  constructor(element, onChange) {
    this.element = element;
    this.onChange = onChange;
    this.azimuth = 0;
    this.elevation = 0;
    this.pivot = new THREE.Vector3();
    this.offset = new THREE.Vector3(0, 0, 4);
    // Height of what the camera sees at a distance of 1, for moves of pixels.
    this.heightAtOne = 1;
    this.pointers = new Map();
    element.addEventListener('pointerdown', (event) => this.press(event));
    element.addEventListener('pointermove', (event) => this.drag(event));
    for (const name of ['pointerup', 'pointercancel']) {
      element.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    element.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    element.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  get state() {
    const { azimuth, elevation, pivot, offset } = this;
    return [azimuth, elevation, ...pivot.toArray(), ...offset.toArray()];
  }

  set state(values) {
    [this.azimuth, this.elevation] = values;
    this.pivot.fromArray(values, 2);
    this.offset.fromArray(values, 5);
  }

  /** Put a three.js camera where the view is from. */
  place(camera) {
    camera.rotation.set(-this.elevation, this.azimuth, 0, 'YXZ');
    camera.position.copy(this.offset).applyQuaternion(camera.quaternion).add(this.pivot);
    camera.updateMatrixWorld();
  }

  press(event) {
    this.element.setPointerCapture(event.pointerId);
    const moves = event.button === 2 || event.button === 1 || event.shiftKey;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, moves });
  }

  drag(event) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const before = this.fingers();
    const dx = event.clientX - pointer.x;
    const dy = event.clientY - pointer.y;
    pointer.x = event.clientX;
    pointer.y = event.clientY;
    if (this.pointers.size === 1) {
      if (pointer.moves) this.move(dx, dy);
      else this.turn(dx, dy);
    } else {
      const after = this.fingers();
      this.move(after.x - before.x, after.y - before.y);
      this.zoom(before.spread / Math.max(after.spread, 1));
    }
    this.onChange();
  }

  /** The middle of the first two fingers and how far they are apart, in pixels. */
  fingers() {
    const [a, b = a] = this.pointers.values();
    const spread = Math.hypot(a.x - b.x, a.y - b.y);
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, spread: Math.max(spread, 1) };
  }

  wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 33 : 1);
    this.zoom(Math.exp(0.0012 * Math.max(-300, Math.min(300, pixels))));
    this.onChange();
  }

  /** Half a turn for a drag over the height of the view. */
  turn(dx, dy) {
    const angle = Math.PI / this.element.clientHeight;
    this.azimuth -= angle * dx;
    const limit = Math.PI / 2;
    this.elevation = Math.max(-limit, Math.min(limit, this.elevation + angle * dy));
  }

  /** What lies at the pivot's distance follows the pointer. */
  move(dx, dy) {
    const metres = (this.offset.z * this.heightAtOne) / this.element.clientHeight;
    const turned = new THREE.Euler(-this.elevation, this.azimuth, 0, 'YXZ');
    this.pivot.add(new THREE.Vector3(-dx * metres, dy * metres, 0).applyEuler(turned));
  }

  zoom(factor) {
    const depth = Math.max(0.2, Math.min(300, this.offset.z * factor));
    this.offset.multiplyScalar(depth / this.offset.z);
  }
}
