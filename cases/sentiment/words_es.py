"""Words that tell how somebody feels, in Spanish; as words_en."""

COMMON = "el la los las de que y en un una es no me mi se por con para lo su le he ha está pero como del al yo"
DENIES = "no nunca jamás nadie nada ningún ninguna ninguno sin tampoco ni apenas"
STRONGER = """
muy realmente tan extremadamente absolutamente totalmente completamente increíblemente sumamente demasiado bastante
especialmente súper super verdaderamente tremendamente
"""
WEAKER = "poco algo ligeramente medio casi relativamente"
GREAT = """
excelent* fantástic* maravillos* genial* perfect* estupend* magnífic* brillante* increíble* encanta encantad* encantó fenomenal*
extraordinari* sobresaliente* impecable* espectacular* inmejorable* mejor mejores insuperable* adoro amo fabulos* formidable*
impresionad* impresionante* espléndid* entusiasmad* feliz felices felicísim* excepcional*
"""
GOOD = """
bien buen buena bueno buenas buenos gracias agradezco agradec* agradecid* contento contenta contentos contentas alegr* satisfech* satisfacción
amable* amabilidad útil* ayudó ayudaron ayudado rápid* rapidez ágil* pronto puntual* educad* cortés* paciente* paciencia profesional*
eficiente* eficaz* eficacia fiable* confiable* fácil* fácilmente sencill* simple solucion* resuelto resuelta resolv* arreglad* funciona funcionó
recomiend* recomendable* recomendad* gusta gustó gustado disfrut* justo justa clar* claramente cómod* agradable* simpátic* atent* generos*
confianza confío honest* sincer* alivio aliviad* mejora mejoró mejorad* éxito exitos* bonit* lind* bravo felicidades felicit* enhorabuena
estimo positiv* valios* práctic* cuidados* limpi* segur* barat* asequible* cariños* considerad* competente* comprensiv* servicial*
correctamente acertad* logr* súper vale encantador* solvent* tranquil* dispuest* grat*
"""
BAD = """
mal mala malo malas malos problem* error* fallo* falla fallan fallando falló fallado defect* defectuos* rot* estropead* averiad* avería*
dañad* daño* lent* lentitud tarde retras* demora* demorad* espera esperando esperado falta faltan perdid* perdí incorrect* equivocad* confus*
difícil* complicad* queja* quejar* reclam* reclamación* insatisfech* descontent* trist* molest* enfad* enoj* disgust* decepcion* decepción preocup*
imposible* lamentablement* desafortunad* rechaz* negaron neg* ignor* ignorad* desatendid* antipátic* maleducad* groser* injust* inútil* inservible*
car* carísim* abusiv* ocult* cancel* baja devolución devolver bloquead* bloqueó colgad* cuelga caíd* atascad* caos caótic* suci*
descuidad* negligen* chapuz* excusa* engañ* engañad* engaños* fals* mentir* cansad* hart* duda* arrepient* arrepentid* estrés estresad*
frustr* frustrante* sufr* dolor* miedo inquiet* indebid* indeseado incompeten* desastre desorganizad* pésimo vencid* nuevamente todavía
sigo sigue siguen aún pena peor peores deficient* insuficient* incómod* desagradable* desorden* incumpl* desesper* inaccesible* duplicad*
"""
AWFUL = """
terrible* horrible* horror* espantos* asqueros* asco odio odi* furios* furia rabia indign* indignad* indignante* escándalo escandalos* estafa*
estafador* fraude* fraudulent* timo ladron* ladrón robo robar* roban robad* mentira* mentiros* mienten abogad* demanda demandar* denuncia* denunciar*
juzgado tribunal* policía consumo vergüenza vergonzos* ridícul* patétic* lamentable* pésim* nefast* inaceptable* intolerable* inadmisible* insoportable*
catástrof* catastrófic* pesadilla* desastros* basura mierda porquería maldit* insult* humill* falta-de-respeto desesperad* amenaz* vomitiv* repugnante*
atroz* deplorable* bochorn* cabread* infame* abuso* abus* tomadura
"""
PHRASES = {
    "no hay problema": 1.0, "sin problema": 1.0, "sin problemas": 1.0, "gracias de antemano": 0.0, "gracias por adelantado": 0.0,
    "no funciona": -1.5, "no me funciona": -1.5, "dejó de funcionar": -1.5, "ya no funciona": -1.5, "estoy harto": -2.0, "estoy harta": -2.0,
    "nunca más": -2.0, "pérdida de tiempo": -2.0, "tercera vez": -1.5, "cuarta vez": -1.5, "otra vez": -1.0, "nadie responde": -1.5,
    "nadie contesta": -1.5, "sin respuesta": -1.5, "no responden": -1.5, "no contestan": -1.5, "buenos días": 0.0, "buenas tardes": 0.0,
    "buenas noches": 0.0, "buen día": 0.0, "saludos cordiales": 0.0, "un saludo": 0.0, "me gustaría": 0.0, "por favor": 0.0,
    "muchas gracias": 1.0, "mil gracias": 2.0, "buen trabajo": 2.0, "bien hecho": 2.0, "ya funciona": 1.5, "vuelve a funcionar": 1.5,
    "tomadura de pelo": -2.0, "falta de respeto": -2.0, "libro de reclamaciones": -2.0, "o sea": 0.0, "más bien": 0.0, "está bien": 0.5,
    "no está mal": 1.0, "cuánto tiempo": 0.0, "a tiempo": 0.5, "demasiado tarde": -1.5, "cinco estrellas": 2.0, "una estrella": -2.0,
    "me encanta": 2.0, "hacer el favor": -0.5, "hasta cuándo": -1.5, "sin solución": -1.5, "la paciencia": 0.0,
}  # fmt: skip
