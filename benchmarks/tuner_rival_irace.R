# irace as a process that asks for runs, a line of JSON each; started by tuner_rivals.py.
# Arguments: seed, budget in evaluations. Beside it: parameters.txt, first.txt (the default), instances.txt.
suppressPackageStartupMessages(library(irace))
arguments <- commandArgs(trailingOnly = TRUE)
told <- file("stdin", "r")
readLines(told, 1) # what there is, in JSON; here it comes by files
quoted <- function(value) if (is.character(value)) sprintf('"%s"', value) else format(value, digits = 10)
json <- function(values) {
  values <- values[!startsWith(names(values), ".")]
  paste0("{", paste(sprintf('"%s": %s', names(values), vapply(values, quoted, "")), collapse = ", "), "}")
}
run <- function(experiment, scenario) {
  cat(sprintf('{"point": %s, "instance": "%s"}\n', json(as.list(experiment$configuration)), experiment$instance))
  flush(stdout())
  heard <- as.numeric(strsplit(gsub("[][]", "", readLines(told, 1)), ",")[[1]])
  list(cost = heard[1], time = heard[2])
}
parameters <- readParameters("parameters.txt")
scenario <- list(
  targetRunner = run, instances = readLines("instances.txt"), maxTime = as.numeric(arguments[2]),
  seed = as.integer(arguments[1]), configurationsFile = "first.txt", logFile = "", quiet = TRUE, digits = 4
)
sink(stderr())
sink_run <- run
scenario$targetRunner <- function(experiment, scenario) {
  sink()
  on.exit(sink(stderr()))
  sink_run(experiment, scenario)
}
elites <- irace(scenario = checkScenario(scenario), parameters = parameters)
sink()
best <- removeConfigurationsMetaData(elites)[1, , drop = FALSE]
cat(sprintf('{"answer": %s}\n', json(as.list(best))))
