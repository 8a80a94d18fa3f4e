# El formulario de un vuelo y las páginas que lo contienen.

predict-heading = ¿Cuánto se retrasará este vuelo?
predict-minutes-heading = ¿Cuántos minutos se retrasará este vuelo?
predict-intro = delaycast compara su vuelo con vuelos anteriores y le indica con cuánto retraso es probable que aterrice.

form-ask = Consultar
form-errors =
    { $count ->
        [one] Hay un campo que debe revisar.
       *[other] Hay { $count } campos que debe revisar.
    }
form-flight = Su vuelo
form-flight-hint = Por ejemplo, <b>B6 915 mañana</b> o <b>Delta de New York a Atlanta el viernes</b>
form-follow = Seguir este vuelo
form-follow-hint = La respuesta se actualiza con cada novedad hasta que el vuelo haya llegado. Entonces no hace falta indicar la salida.
form-fields = Aeropuertos, aerolínea y día por separado
form-optional = opcional
form-origin = Origen
form-origin-hint = Aeropuerto de salida: código o nombre
form-dest = Destino
form-dest-hint = Aeropuerto de llegada: código o nombre
form-carrier = Aerolínea
form-carrier-hint = Código o nombre
form-number = Número de vuelo
form-date = Día de salida
form-departs = Salida prevista
form-departs-hint = Hora local; si el número de vuelo es conocido, no hace falta
form-delay = Retraso en la salida
form-delay-unit = min
form-delay-hint = Déjelo vacío si el vuelo aún no ha salido
weather-temp = Temperatura
weather-wind = Viento
weather-rain = Lluvia en esa hora
weather-visibility = Visibilidad
weather-inches = pulgadas
weather-miles = millas
form-weather-hint = Según el pronóstico para el aeropuerto y la hora de salida; cuenta si se conoce la salida prevista
form-bulk = Varios vuelos a la vez
form-batch = Consulta para el lote de esta noche

replay-heading = Un día de Nueva York, otra vez
replay-now = Momento actual: <b>{ $now }</b>.
replay-time = { $time } del { $day }
replay-minute = Cada segundo equivale a un minuto.
replay-pace = El tiempo pasa { $speed } veces más deprisa que entonces.
replay-asked = Cada vuelo se consulta dos horas antes de la salida y se sigue hasta su llegada:
replay-flight = { $flight } de { $origin } a { $dest }, { $time }
replay-none = Ningún vuelo sale próximamente.
replay-later = Recargue la página para ver vuelos posteriores o consulte uno abajo: la consulta se hace con la hora de ese día.
# Una frase que el formulario entiende.
phrase-flight = { $flight } de { $origin } a { $dest }
phrase-flight-day = { $flight } de { $origin } a { $dest } el { $day }

# El resultado.
result-label = Respuesta
result-none = Qué obtendrá
result-none-promise = Con cuánto retraso es probable que llegue el vuelo, por qué, y la probabilidad de cada uno de estos casos:
result-none-before = Antes de la salida, la respuesta es menos segura que cuando ya se conoce el retraso en la salida.
result-waiting = A la espera de la respuesta
result-waiting-note = Su consulta está en camino. La respuesta aparecerá aquí automáticamente.
result-rejected = No se ha podido evaluar este vuelo
result-rejected-note = Corrija el formulario y vuelva a consultar.
result-timed-out = Aún no hay respuesta
result-timed-out-note = Por ahora nadie ha respondido a su consulta. Siga esperando o vuelva más tarde a esta dirección.
result-keep-asking = Seguir esperando
result-unreachable = Ahora mismo no podemos responder
result-unreachable-note = No se puede acceder al servidor o al lugar donde guarda sus respuestas.
result-try-again = Reintentar
result-unacknowledged = Puede que su consulta no haya llegado
result-see = Comprobar si ha llegado
