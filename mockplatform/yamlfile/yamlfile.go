// Package yamlfile reads files in YAML strictly, for the packages that know what is to stand in them.
//
// In comes the text of a file; out come its values in their places, and all that is wrong with it as Problems, each with
// its line and column, the key, what is wrong and what to do. Keys that stand twice, files that are too large, second
// documents and alias bombs are refused. What keys there are is the caller's business.
package yamlfile
