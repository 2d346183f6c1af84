// Package matrix certifies many images in many variants, and draws one overview of them.
//
// In comes a YAML file that names images and variants:
//
//	images:
//	  - my-function:1.0                 # a reference, or
//	  - name: other                     # its name in the overview, and its folder
//	    image: oci:other                # relative paths count from the file's folder
//	    command: python3 app.py         # and any other flag of scfcert run
//	variants:                           # every image is certified in each of them
//	  - {name: event, type: event, memory: 256}
//	  - {name: http, type: http}
//	defaults: {function-timeout: 10}
//
// Out comes a folder with a report of each run and the overview: matrix.json, matrix.md and matrix.html. Runs go on side
// by side as far as the machine has processors and memory for them. A certification measures times, so what did not end
// conformant beside others is certified once more alone, and that is what counts. A run that fails, or that could not be
// assessed, does not keep the others from theirs.
package matrix
