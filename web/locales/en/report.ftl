# The report of an evaluation.

report-title = Evaluation, { $from } to { $to }
report-heading = How good is the forest?
report-loss = The forest's log-loss is { $loss }.
report-below = The forest's log-loss is { $loss }, { $difference } below that of a lookup table on the departure delay.
report-above = The forest's log-loss is { $loss }, { $difference } above that of a lookup table on the departure delay.
report-undecided = 95 % of the resamples lie from { $low } to { $high }: these days do not tell which is better.
report-interval-below = 95 % of the resamples lie { $near } to { $far } below.
report-interval-above = 95 % of the resamples lie { $near } to { $far } above.
report-no-intervals =
    { $days ->
        [one] There are no intervals: { $days } day is fewer than the { $least } that they take.
       *[other] There are no intervals: { $days } days are fewer than the { $least } that they take.
    }
report-no-baselines = There are no baselines: the data hold no flight of the days that the model has learned.

report-answered = Flights answered
report-answered-days = Days answered for
report-trained = Flights trained on
report-trained-days = Days trained on
report-days = { $from } to { $to }
report-model = Model
report-forest-settings =
    { $trees ->
        [one] { $trees } tree of depth { $depth }
       *[other] { $trees } trees of depth { $depth }
    }
report-model-preset = { $model }, preset { $preset }
report-version = Version
report-seed = Seed

report-scores = Scores
report-scores-note = All answered the same flights, which nobody had learned from. Below each score: where 95 % of the resamples lie; what is resampled is whole days.
report-more-is-better = more is better
report-less-is-better = less is better
report-better = More is better: accuracy, macro-F1, QWK, AUC. Less is better: log-loss, RPS, ECE, Brier. The last two ask for one thing alone: 30 minutes late or more.
report-log-loss = Log-loss
report-confusion = What came true, and what the forest said
report-reliability = Do its probabilities mean what they say?
report-reliability-note = Flights that were given about the same probability of a class, and the share of them that came true. On the diagonal, both are the same. The larger the dot, the more flights.
report-importance = What it needs to know
report-importance-note = By how much its log-loss rises when one fact is dealt out among the flights at random. It is what the fact adds to the others, not what it is worth alone.
report-forest = The forest
report-forest-before = The forest without departure delay
report-months = Month by month
report-months-note = The log-loss on each month of those who learned from all days before it, at least { $days }.
report-months-label = Log-loss by month
report-months-days = Days
report-months-flights = Flights
report-months-all = All of them
report-footer = What each measure is: docs/evaluation.md of delaycast.

measure-accuracy = accuracy

importance-delay = departure delay
importance-airline = airline
importance-route = route and distance
importance-day = day
importance-schedule = schedule and flight number
importance-weather = weather

plot-log-loss = log-loss, nats; less is better
plot-intervals = Log-loss of each predictor with its 95 % interval
plot-predicted = predicted, %
plot-came-true-share = came true, %
plot-reliability = { $class }: how often it came true, by the predicted probability
plot-said = forest said
plot-came-true = came true
plot-confusion = Flights by the class that came true and the class that the forest held most probable
plot-rise = rise of the log-loss, nats
plot-importance = Rise of the log-loss when a fact is shuffled among the flights
plot-months = Log-loss of each predictor by month

predictor-prior = class frequencies
predictor-lookup = lookup table on departure delay
predictor-legacy = seed: 20 trees of depth 5
predictor-forest = forest
predictor-no-weather = forest without weather
predictor-no-schedule = forest without schedule
predictor-before = forest without departure delay
predictor-early = with events, hours before
predictor-near = with events, shortly before
predictor-overdue = with events, overdue
predictor-departed = with events, on its way
predictor-prior-short = frequencies
predictor-lookup-short = lookup
predictor-legacy-short = seed
predictor-forest-short = forest
predictor-no-weather-short = no weather
predictor-no-schedule-short = no schedule
predictor-before-short = no delay
predictor-early-short = early
predictor-near-short = near
predictor-overdue-short = overdue
predictor-departed-short = departed
