// Prints the Khronos validator's report on a file as JSON.
// Arguments: the folder node_modules, the .glb file.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, file] = process.argv.slice(2);
const validator = createRequire(join(modules, 'none.js'))('gltf-validator');
const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), {
  maxIssues: 0,
  writeTimestamp: false,
});
console.log(JSON.stringify(report));
