# El informe de una evaluación.

report-title = Evaluación, del { $from } al { $to }
report-heading = ¿Qué tal acierta el bosque?
report-loss = La pérdida logarítmica del bosque es { $loss }.
report-below = La pérdida logarítmica del bosque es { $loss }, { $difference } por debajo de la de una tabla de consulta por retraso en la salida.
report-above = La pérdida logarítmica del bosque es { $loss }, { $difference } por encima de la de una tabla de consulta por retraso en la salida.
report-undecided = El 95 % de las remuestras está entre { $low } y { $high }: estos días no permiten decidir cuál es mejor.
report-interval-below = El 95 % de las remuestras está entre { $near } y { $far } por debajo.
report-interval-above = El 95 % de las remuestras está entre { $near } y { $far } por encima.
report-no-intervals =
    { $days ->
        [one] No hay intervalos: { $days } día es menos que los { $least } que hacen falta.
       *[other] No hay intervalos: { $days } días son menos que los { $least } que hacen falta.
    }
report-no-baselines = No hay referencias: los datos no contienen vuelos de los días que el modelo ha aprendido.

report-answered = Vuelos evaluados
report-answered-days = Días evaluados
report-trained = Vuelos de entrenamiento
report-trained-days = Días de entrenamiento
report-days = del { $from } al { $to }
report-model = Modelo
report-forest-settings =
    { $trees ->
        [one] { $trees } árbol de profundidad { $depth }
       *[other] { $trees } árboles de profundidad { $depth }
    }
report-model-preset = { $model }, preset { $preset }
report-version = Versión
report-seed = Semilla

report-scores = Puntuaciones
report-scores-note = Todos respondieron a los mismos vuelos, de los que ninguno había aprendido. Debajo de cada puntuación: dónde está el 95 % de las remuestras; se remuestrean días enteros.
report-more-is-better = cuanto más, mejor
report-less-is-better = cuanto menos, mejor
report-better = Cuanto más, mejor: exactitud, macro-F1, QWK, AUC. Cuanto menos, mejor: log-loss, RPS, ECE, Brier. Los dos últimos de la tabla solo preguntan por una cosa: 30 minutos de retraso o más.
report-log-loss = Pérdida logarítmica
report-confusion = Lo que ocurrió y lo que dijo el bosque
report-reliability = ¿Significan sus probabilidades lo que dicen?
report-reliability-note = Vuelos con una probabilidad parecida de una clase y la proporción de ellos en que se cumplió. En la diagonal ambas coinciden. Cuanto mayor es el punto, más vuelos.
report-importance = Qué necesita saber
report-importance-note = Cuánto aumenta su pérdida logarítmica cuando un dato se reparte al azar entre los vuelos. Es lo que el dato añade a los demás, no lo que vale por sí solo.
report-forest = El bosque
report-forest-before = El bosque sin el retraso en la salida
report-months = Mes a mes
report-months-note = La pérdida logarítmica en cada mes de los que aprendieron de todos los días anteriores, al menos { $days }.
report-months-label = Pérdida logarítmica por mes
report-months-days = Días
report-months-flights = Vuelos
report-months-all = Todos
report-footer = Qué es cada medida: docs/evaluation.md de delaycast.

measure-accuracy = exactitud

importance-delay = retraso en la salida
importance-airline = aerolínea
importance-route = ruta y distancia
importance-day = día
importance-schedule = horario y número de vuelo
importance-weather = meteorología

plot-log-loss = pérdida logarítmica, nats; cuanto menos, mejor
plot-intervals = Pérdida logarítmica de cada predictor con su intervalo del 95 %
plot-predicted = predicho, %
plot-came-true-share = se cumplió, %
plot-reliability = { $class }: con qué frecuencia se cumplió, según la probabilidad predicha
plot-said = el bosque dijo
plot-came-true = ocurrió
plot-confusion = Vuelos según la clase que ocurrió y la clase que el bosque consideraba más probable
plot-rise = aumento de la pérdida logarítmica, nats
plot-importance = Aumento de la pérdida logarítmica cuando un dato se baraja entre los vuelos
plot-months = Pérdida logarítmica de cada predictor por mes

predictor-prior = frecuencias de las clases
predictor-lookup = tabla por retraso en la salida
predictor-legacy = seed: 20 árboles de profundidad 5
predictor-forest = bosque
predictor-no-weather = bosque sin meteorología
predictor-no-schedule = bosque sin horario
predictor-before = bosque sin el retraso en la salida
predictor-early = con eventos, horas antes
predictor-near = con eventos, poco antes
predictor-overdue = con eventos, ya debería haber salido
predictor-departed = con eventos, en camino
predictor-prior-short = frecuencias
predictor-lookup-short = tabla
predictor-legacy-short = seed
predictor-forest-short = bosque
predictor-no-weather-short = sin tiempo
predictor-no-schedule-short = sin horario
predictor-before-short = sin retraso
predictor-early-short = horas antes
predictor-near-short = poco antes
predictor-overdue-short = tarde
predictor-departed-short = en camino
