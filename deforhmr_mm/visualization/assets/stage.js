'use strict';

/** The 3D scene: people, floor and cameras, drawn when something changed. */
class Stage {
  constructor(element, canvas, data, people) {
    this.element = element;
    this.canvas = canvas;
    this.view = data.camera;
    this.room = data.room;
    this.people = people;
    this.renderer = new THREE.WebGLRenderer({
      canvas, alpha: true, antialias: true, stencil: true,
    });
    this.renderer.setClearColor(0x000000, 0);
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera();
    this.bodies = people.map((person) => this.addPerson(person, data));
    this.addFloor();
    this.addCameraSign();
    this.asPicture = true;
    this.sides = [0, 0, 0, 0];
    this.wanted = false;
    // Called when the user takes hold of the view, and when its size changed.
    this.onTurn = () => {};
    this.onLayout = () => {};
    this.orbit = new Orbit(canvas, () => {
      this.flight++;
      this.sides = this.sidesNow();
      this.onTurn();
      this.draw();
    });
    // Number of the latest smooth change of the view: the older ones end.
    this.flight = 0;
    new ResizeObserver(() => this.resize()).observe(element);
  }

  addPerson(person, data) {
    const geometry = new THREE.BufferGeometry();
    geometry.setIndex(new THREE.BufferAttribute(person.faces, 1));
    geometry.setAttribute('position', new THREE.BufferAttribute(person.positions, 3));
    geometry.setAttribute('normal', new THREE.BufferAttribute(person.normals, 3));
    const { skin, depth, shadow } = personMaterials(
      person.color, data.shading, this.room.floor - 0.002
    );
    const body = { geometry, skin, depth, shadow, group: new THREE.Group() };
    [shadow, depth, skin].forEach((material, order) => {
      const mesh = new THREE.Mesh(geometry, material);
      mesh.frustumCulled = false;
      mesh.renderOrder = order;
      body.group.add(mesh);
    });
    body.shade = body.group.children[0];
    this.scene.add(body.group);
    return body;
  }

  lines(points, uniforms) {
    const geometry = new THREE.BufferGeometry();
    const numbers = new Float32Array(points.flat());
    geometry.setAttribute('position', new THREE.BufferAttribute(numbers, 3));
    const material = lineMaterial(uniforms);
    const object = new THREE.LineSegments(geometry, material);
    object.frustumCulled = false;
    object.renderOrder = -1;
    this.scene.add(object);
    return object;
  }

  /** A line every half metre, stronger every metre, around where people are. */
  addFloor() {
    const { low, high, floor } = this.room;
    const middle = [Math.round((low[0] + high[0]) / 2), floor,
      Math.round((low[2] + high[2]) / 2)];
    const extent = Math.max(high[0] - low[0], high[2] - low[2]);
    const reach = Math.min(40, Math.ceil(extent / 2) + 4);
    const strong = [], faint = [];
    for (let i = -2 * reach; i <= 2 * reach; i++) {
      const [x, z] = [middle[0] + i / 2, middle[2] + i / 2];
      // In pieces: not every driver clips a long line well that passes the eye.
      for (let j = -reach; j < reach; j++) {
        (i % 2 ? faint : strong).push(
          [x, floor, middle[2] + j], [x, floor, middle[2] + j + 1],
          [middle[0] + j, floor, z], [middle[0] + j + 1, floor, z]
        );
      }
    }
    const fade = { middle: new THREE.Vector3(...middle), reach };
    this.floor = [
      this.lines(strong, { ...fade, opacity: 0.55 }),
      this.lines(faint, { ...fade, opacity: 0.22 }),
    ];
    this.showFloor = true;
  }

  /** A small pyramid where the picture was taken from. */
  addCameraSign() {
    const { focal, center, width, height } = this.view;
    const depth = 0.35;
    const at = (x, y) => [
      (depth * (x - center[0])) / focal, (-depth * (y - center[1])) / focal, -depth,
    ];
    const corners = [at(0, 0), at(width, 0), at(width, height), at(0, height)];
    const points = corners.flatMap((corner, i) => [
      [0, 0, 0], corner, corner, corners[(i + 1) % 4],
    ]);
    this.sign = this.lines(points, { opacity: 0.8 });
  }

  /** Take the colours of the page's light or dark style. */
  recolor() {
    const style = getComputedStyle(document.documentElement);
    const text = (name) => style.getPropertyValue(name).trim();
    const read = (name) => {
      const value = parseInt(text(name).slice(1), 16);
      return [value >> 16, (value >> 8) & 255, value & 255].map((c) => c / 255);
    };
    for (const object of [...this.floor, this.sign]) {
      object.material.uniforms.color.value.fromArray(read('--grid'));
    }
    for (const { shadow } of this.bodies) {
      shadow.uniforms.color.value.fromArray(read('--shadow'));
      shadow.uniforms.opacity.value = Number(text('--shade'));
    }
    this.draw();
  }

  /** Take the pose of a frame. */
  showFrame(frame) {
    this.people.forEach((person, i) => {
      if (!person.show(frame)) return;
      for (const name of ['position', 'normal']) {
        this.bodies[i].geometry.attributes[name].needsUpdate = true;
      }
    });
    this.draw();
  }

  /** Opacity in [0, 1], and whether only the triangles' edges are drawn. */
  setLook({ opacity, wireframe }) {
    for (const { skin, depth } of this.bodies) {
      skin.uniforms.opacity.value = opacity;
      skin.wireframe = wireframe;
      depth.polygonOffset = wireframe;
    }
    this.draw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || !clientHeight) return;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.sides = this.sidesNow();
    this.render();
    this.onLayout();
  }

  /** Left, top, width and height of the picture in the stage, in CSS pixels. */
  pictureRect() {
    const { clientWidth, clientHeight } = this.element;
    const { width, height } = this.view;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    return {
      left: (clientWidth - scale * width) / 2,
      top: (clientHeight - scale * height) / 2,
      width: scale * width,
      height: scale * height,
    };
  }

  /** Left, right, top and bottom of what the camera sees, at a distance of 1. */
  sidesNow() {
    const { clientWidth, clientHeight } = this.element;
    if (!this.asPicture) {
      const half = Math.tan(Math.PI / 12);
      const aspect = clientWidth / Math.max(clientHeight, 1);
      const x = half * Math.max(aspect, 1e-3);
      return [-x, x, half, -half];
    }
    // The picture fills the stage as far as its shape allows; its pixels' centres are
    // at whole numbers, so it ends half a pixel before the first one.
    const { focal, center } = this.view;
    const rect = this.pictureRect();
    const scale = rect.width / this.view.width;
    const x = (css) => ((css - rect.left) / scale - 0.5 - center[0]) / focal;
    const y = (css) => -((css - rect.top) / scale - 0.5 - center[1]) / focal;
    return [x(0), x(clientWidth), y(0), y(clientHeight)];
  }

  /** Corners of the box around the people in view, or of all the room. */
  box() {
    const low = new THREE.Vector3(Infinity, Infinity, Infinity);
    const high = low.clone().negate();
    const point = new THREE.Vector3();
    for (const person of this.people) {
      if (!person.present || !person.enabled) continue;
      for (let i = 0; i < person.positions.length; i += 3) {
        point.fromArray(person.positions, i);
        low.min(point);
        high.max(point);
      }
    }
    if (low.x <= high.x) return [low, high];
    return [this.room.low, this.room.high].map((c) => new THREE.Vector3(...c));
  }

  /** Move to 'camera', 'front', 'side' or 'top', smoothly or at once. */
  setView(name, smooth = false) {
    const [low, high] = this.box();
    const pivot = low.clone().add(high).multiplyScalar(0.5);
    const before = { state: this.orbit.state, sides: this.sides };
    const turns = { camera: [0, 0], front: [0, 0], side: [Math.PI / 2, 0],
      top: [0, Math.PI / 2] }[name];
    if (!turns) throw new RangeError(`no view is called ${name}`);
    this.asPicture = name === 'camera';
    const sides = this.sidesNow();
    const offset = this.asPicture ? pivot.clone().negate()
      : new THREE.Vector3(0, 0, this.distance(name, high.clone().sub(low), sides));
    // Where people surround the camera there is nothing in front to turn about.
    if (offset.z < 0.2) {
      pivot.z = -2;
      offset.z = 2;
    }
    const state = [...turns, ...pivot.toArray(), ...offset.toArray()];
    this.fly(before, { state, sides }, smooth ? 350 : 0);
  }

  /** How far away a box fills the view well. */
  distance(name, size, sides) {
    const [across, up, deep] = {
      front: [size.x, size.y, size.z], side: [size.z, size.y, size.x],
      top: [size.x, size.z, size.y],
    }[name];
    const margin = 1.16;
    const fit = margin * Math.max(across / (2 * sides[1]), up / (2 * sides[2]), 0.3);
    return fit + deep / 2;
  }

  fly(from, to, milliseconds) {
    const flight = ++this.flight;
    const start = performance.now();
    // Half a turn or more the shorter way round.
    const round = 2 * Math.PI;
    to.state[0] += round * Math.round((from.state[0] - to.state[0]) / round);
    const mix = (a, b, t) => a.map((value, i) => value + t * (b[i] - value));
    const step = (now) => {
      if (flight !== this.flight) return;
      const t = milliseconds ? Math.min(1, (now - start) / milliseconds) : 1;
      const eased = t * t * (3 - 2 * t);
      this.orbit.state = t < 1 ? mix(from.state, to.state, eased) : to.state;
      this.sides = t < 1 ? mix(from.sides, to.sides, eased) : to.sides;
      this.render();
      if (t < 1) requestAnimationFrame(step);
    };
    step(start);
  }

  draw() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame(() => this.render());
  }

  render() {
    this.wanted = false;
    const [left, right, top, bottom] = this.sides;
    if (right <= left) return;
    const near = 0.05;
    const sides = [left, right, top, bottom].map((side) => near * side);
    this.camera.projectionMatrix.makePerspective(...sides, near, 1000);
    this.orbit.heightAtOne = top - bottom;
    this.orbit.place(this.camera);
    this.people.forEach((person, i) => {
      this.bodies[i].group.visible = person.present && person.enabled;
      this.bodies[i].shade.visible = this.showFloor;
    });
    this.floor.forEach((object) => { object.visible = this.showFloor; });
    // From its own place the sign would cover the view.
    this.sign.visible = this.showFloor && this.camera.position.length() > 0.3;
    this.renderer.render(this.scene, this.camera);
  }
}
