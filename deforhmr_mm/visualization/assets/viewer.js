'use strict';

/**
 * The page. `window.viewer` is also for scripts: it does what the controls do, at once, and
 * `viewer.ready` is a promise that is kept when the first frame is shown.
 */
window.viewer = (() => {
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find('data').textContent);
  const faces = unpackFaces(data.faces);
  const skin = unpackSkin(data.skin);
  const people = data.people.map((record) => new Person(record, faces, skin));
  const scene = find('scene');
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  // Over the picture people show through from the start.
  const look = { solid: 1, over: 0.8, wireframe: false };

  let stage = null;
  try {
    stage = new Stage(find('stage'), scene, data, people);
  } catch (error) {
    console.error(error);
    find('message').textContent =
      'This browser offers no WebGL, so the meshes cannot be drawn.';
    find('message').hidden = false;
    find('hint').hidden = true;
  }

  // The picture, beside the scene and behind it.
  const { width, height } = data.camera;
  document.documentElement.style.setProperty('--aspect', `${width} / ${height}`);
  find('picture').setAttribute('aria-label', data.title);

  const chips = people.map((person) => {
    const chip = document.createElement('button');
    chip.type = 'button';
    chip.className = 'person';
    chip.title = 'Show or hide';
    chip.append(document.createElement('i'), person.name);
    const color = person.color.map((c) => Math.round(255 * c)).join(' ');
    chip.style.setProperty('--color', `rgb(${color})`);
    chip.addEventListener('click', () => setPerson(person.id, !person.enabled));
    find('people').append(chip);
    return chip;
  });
  if (!people.length) find('people').textContent = 'Nobody was found.';

  const player = new Player(
    data.pictures.length, data.fps || 1, new Pictures(data.pictures), showFrame
  );

  function showFrame(index, picture) {
    for (const canvas of [find('picture'), find('backdrop')]) {
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      canvas.getContext('2d').drawImage(picture, 0, 0);
    }
    if (stage) stage.showFrame(index);
    chips.forEach((chip, i) => {
      chip.classList.toggle('absent', people[i].rows[index] < 0);
    });
    if (data.fps !== null) {
      find('scrubber').value = index;
      const seconds = (index / data.fps).toFixed(2);
      const last = data.frames[data.frames.length - 1];
      find('frame-number').value = `Frame ${data.frames[index]} / ${last} · ${seconds} s`;
    }
    markPeople();
  }

  function markPeople() {
    chips.forEach((chip, i) => chip.setAttribute('aria-pressed', people[i].enabled));
  }

  function setPerson(id, enabled) {
    for (const person of people) {
      if (person.id === id) person.enabled = enabled;
    }
    markPeople();
    if (stage) stage.draw();
  }

  function markView(name) {
    for (const button of document.querySelectorAll('[data-view]')) {
      button.setAttribute('aria-pressed', button.dataset.view === name);
    }
    find('frame').hidden = name !== 'camera' || find('overlay').checked;
  }

  function setView(name, smooth = false) {
    if (!stage) return;
    stage.setView(name, smooth && !still.matches);
    if (name !== 'camera') showOverlay(false);
    markView(name);
  }

  function showOverlay(on) {
    find('overlay').checked = on;
    find('backdrop').hidden = !on;
    find('hint').hidden = on;
    stage.showFloor = find('floor').checked && !on;
    setLook({});
  }

  function setOverlay(on, smooth = false) {
    if (!stage) return;
    showOverlay(on);
    // Only the picture's own camera sees the meshes where the picture has the people.
    if (on) stage.setView('camera', smooth && !still.matches);
    if (on || stage.asPicture) markView('camera');
  }

  function setFloor(on) {
    if (!stage) return;
    find('floor').checked = on;
    stage.showFloor = on && !find('overlay').checked;
    stage.draw();
  }

  function setLook({ opacity, wireframe = look.wireframe }) {
    const kind = find('overlay').checked ? 'over' : 'solid';
    if (opacity !== undefined) look[kind] = opacity;
    look.wireframe = wireframe;
    find('opacity').value = look[kind];
    find('wireframe').checked = wireframe;
    if (stage) stage.setLook({ opacity: look[kind], wireframe });
  }

  /** Turn the view by degrees to the right and upwards, as dragging does. */
  function turn(right, up = 0) {
    if (!stage) return;
    stage.orbit.azimuth += (right * Math.PI) / 180;
    stage.orbit.elevation += (up * Math.PI) / 180;
    stage.orbit.onChange();
  }

  /** Shows a frame by its number in the video; of those left out, the shown one before. */
  function setFrame(number) {
    const upTo = data.frames.filter((shown) => shown <= number).length;
    return player.setFrame(upTo - 1);
  }

  /** What the page's address asks for: #frame=10&view=side&turn=30,15 and the like. */
  function readAddress() {
    const wish = new URLSearchParams(location.hash.slice(1));
    const on = (name) => wish.get(name) !== '0';
    if (wish.has('floor')) setFloor(on('floor'));
    return setFrame(Number(wish.get('frame')) || 0).then(() => {
      const view = wish.get('view');
      const known = ['camera', 'front', 'side', 'top'].includes(view);
      setView(known ? view : 'camera');
      if (wish.has('turn')) turn(...wish.get('turn').split(',').map(Number));
      if (wish.has('overlay')) setOverlay(on('overlay'));
      if (wish.has('wireframe')) setLook({ wireframe: on('wireframe') });
      if (wish.has('opacity')) setLook({ opacity: Number(wish.get('opacity')) || 1 });
    });
  }

  function connect() {
    for (const button of document.querySelectorAll('[data-view]')) {
      button.addEventListener('click', () => setView(button.dataset.view, true));
    }
    const onInput = (id, act) => find(id).addEventListener('input', (event) => act(event.target));
    onInput('overlay', (box) => setOverlay(box.checked, true));
    onInput('wireframe', (box) => setLook({ wireframe: box.checked }));
    onInput('floor', (box) => setFloor(box.checked));
    onInput('opacity', (slider) => setLook({ opacity: Number(slider.value) }));
    if (stage) {
      stage.onTurn = () => {
        showOverlay(false);
        markView(null);
        find('hint').classList.add('read');
      };
      stage.onLayout = () => {
        const rect = stage.pictureRect();
        for (const [name, value] of Object.entries(rect)) {
          find('frame').style[name] = `${value}px`;
        }
      };
      const dark = window.matchMedia('(prefers-color-scheme: dark)');
      dark.addEventListener('change', () => stage.recolor());
      stage.recolor();
      stage.resize();
    }
    if (data.fps !== null) connectPlayer(onInput);
    // A click leaves the keyboard to the page: space plays and arrows step.
    document.addEventListener('pointerup', (event) => {
      const control = event.target.closest && event.target.closest('button, input');
      if (control) control.blur();
    });
  }

  function connectPlayer(onInput) {
    find('transport').hidden = false;
    find('scrubber').max = player.count - 1;
    onInput('scrubber', (slider) => {
      player.pause();
      player.setFrame(Number(slider.value));
    });
    onInput('speed', (list) => { player.speed = Number(list.value); });
    onInput('loop', (box) => { player.loop = box.checked; });
    find('play').addEventListener('click', () => player.toggle());
    player.onPlaying = (playing) => {
      find('play').classList.toggle('playing', playing);
      find('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
    };
    document.addEventListener('keydown', (event) => {
      if (event.target.closest && event.target.closest('input, select, button')) return;
      const act = {
        ' ': () => player.toggle(),
        ArrowRight: () => player.step(event.shiftKey ? 10 : 1),
        ArrowLeft: () => player.step(event.shiftKey ? -10 : -1),
        Home: () => player.step(-player.count),
        End: () => player.step(player.count),
      }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }

  connect();
  const ready = readAddress();
  window.addEventListener('hashchange', readAddress);

  return {
    ready, stage, player, people, setView, turn, setOverlay, setFloor, setPerson,
    setLook, setFrame,
  };
})();
