'use strict';

const MESH_VERTEX = `
  varying vec3 vNormal;
  varying vec3 vPoint;
  void main() {
    vec4 point = modelViewMatrix * vec4(position, 1.0);
    vPoint = point.xyz;
    vNormal = normalMatrix * normal;
    gl_Position = projectionMatrix * point;
  }`;

// The light of the rendered pictures, fixed to the viewer's eye.
const MESH_FRAGMENT = `
  uniform vec3 color;
  uniform float opacity, ambient, key, head, rim;
  uniform vec3 direction;
  varying vec3 vNormal;
  varying vec3 vPoint;
  void main() {
    vec3 normal = normalize(vNormal);
    float facing = dot(normal, -normalize(vPoint));
    if (facing < 0.0) { normal = -normal; facing = -facing; }
    float wrapped = max(0.0, 0.5 + 0.5 * dot(normal, direction));
    float lit = ambient + key * pow(wrapped, 1.5) + head * facing;
    float edge = rim * pow(1.0 - facing, 3.0);
    vec3 shaded = color * lit;
    gl_FragColor = vec4(clamp(shaded + edge * (1.0 - shaded), 0.0, 1.0), opacity);
  }`;

// Where the mesh's points lie on the floor when lit from above.
const SHADOW_VERTEX = `
  uniform float height;
  void main() {
    float above = max(position.y - height, 0.0);
    vec3 point = vec3(position.x + 0.25 * above, height, position.z - 0.2 * above);
    gl_Position = projectionMatrix * viewMatrix * vec4(point, 1.0);
  }`;

const FLAT_FRAGMENT = `
  uniform vec3 color;
  uniform float opacity;
  void main() { gl_FragColor = vec4(color, opacity); }`;

// Lines that fade out with their distance from `middle`, within `reach` metres.
const LINE_VERTEX = `
  varying vec3 vPlace;
  void main() {
    vPlace = position;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;

const LINE_FRAGMENT = `
  uniform vec3 color, middle;
  uniform float opacity, reach;
  varying vec3 vPlace;
  void main() {
    float fade = 1.0 - smoothstep(0.25, 1.0, distance(vPlace, middle) / reach);
    gl_FragColor = vec4(color, opacity * fade);
  }`;

function shaderMaterial(vertexShader, fragmentShader, values, options) {
  const uniforms = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value }])
  );
  return new THREE.ShaderMaterial({ vertexShader, fragmentShader, uniforms, ...options });
}

/** What one person is drawn with: the skin, its depth and the shadow on the floor. */
function personMaterials(rgb, shading, floor) {
  const color = new THREE.Vector3(...rgb);
  const { ambient, key, head, rim } = shading;
  const direction = new THREE.Vector3(...shading.key_direction);
  const skin = shaderMaterial(
    MESH_VERTEX, MESH_FRAGMENT,
    { color, opacity: 1, ambient, key, head, rim, direction },
    { transparent: true, depthWrite: false, side: THREE.DoubleSide }
  );
  // Fills the depth first: of a see-through body only the nearest surface shows.
  const depth = shaderMaterial(
    MESH_VERTEX, FLAT_FRAGMENT, { color, opacity: 1 },
    { colorWrite: false, side: THREE.DoubleSide, polygonOffsetFactor: 1,
      polygonOffsetUnits: 1 }
  );
  // The stencil darkens each place once, however many surfaces lie above it.
  const shadow = shaderMaterial(
    SHADOW_VERTEX, FLAT_FRAGMENT,
    { color: new THREE.Vector3(), opacity: 0, height: floor },
    { transparent: true, depthWrite: false, side: THREE.DoubleSide,
      stencilWrite: true, stencilRef: 1, stencilFunc: THREE.NotEqualStencilFunc,
      stencilZPass: THREE.ReplaceStencilOp }
  );
  return { skin, depth, shadow };
}

/** Lines; they fade with `middle` and `reach`, see the shader. */
function lineMaterial(values) {
  return shaderMaterial(
    LINE_VERTEX, LINE_FRAGMENT,
    { color: new THREE.Vector3(), middle: new THREE.Vector3(), reach: 1e9, ...values },
    { transparent: true, depthWrite: false }
  );
}
