"""The names Poverians bear: given names by sex, and surnames, per region."""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from mocks.chance import pick


class NameTable(NamedTuple):
    """The names of one region."""

    female: tuple[str, ...]
    male: tuple[str, ...]
    surnames: tuple[str, ...]


def _listed(names: str) -> tuple[str, ...]:
    return tuple(names.split())


# The regions are in the order of `places.REGIONS`; letters beyond ASCII are there for registries to get wrong.
TABLES: Final = (
    NameTable(
        _listed(
            "Asha Neema Zuri Imara Tumaini Rehema Salma Halina Mwana Jamila Subira Pendo Amani Latifa Saida "
            "Mariamu Zawadi Hadiya Nuru Faraja Shani Kamaria Malaika Yusra Sanaa Layla Amina Dalila Safiya "
            "Raziya"
        ),
        _listed(
            "Juma Baraka Hamisi Salim Rashidi Omari Tembo Jabari Idris Khalfan Musa Yusufu Simba Daudi Azizi "
            "Hasani Rajabu Suleiman Faraji Bakari Nassoro Karimu Sefu Zuberi Mosi Tamimu Jengo Shabani "
            "Makame Ali"
        ),
        _listed(
            "Moyo Kimaro Salehe Mwinyi Baharia Ngonyani Mtoni Kombo Shariff Pemba Makame Ngalawa Mwamba "
            "Jahazi Zahoro Chande Mvuvi Tandika Kisiwa Dewji Lumumbi Omar Hamdani Bahari Kilindo Mchanga "
            "Pwani Ulanga Mkoko Barwani Ziwani Matumbo Kibao Upepo Masika Nanga Kassimu Mlango Chumvi "
            "Ngazija"
        ),
    ),
    NameTable(
        _listed(
            "Keira Tsehay Almaz Selamn Hirutt Mekdas Liyanne Abenet Rahela Senait Yordan Tigistt Marthe "
            "Ruthine Eldana Hanneke Sabela Wubitt Genett Fikirte Saronne Betheli Mulunesh Kidane Aster "
            "Lemlem Zenebe Adanech Meron Tirhas"
        ),
        _listed(
            "Dawitt Tesfal Abelo Yonasse Girmai Haileb Mulugo Bereket Solomun Kebedo Tadese Eskind Petross "
            "Natnal Amaru Fasilo Samson Ermiyas Zerihun Wondo Markosi Lemma Gezahn Biruk Hagose Mengist "
            "Alemayo Desta Robel Yared"
        ),
        _listed(
            "Tesfaldet Woldmar Gebreyo Hailemar Assefan Bekelo Tsegaybe Kifletz Abrahat Demissar Mengesh "
            "Negasho Worknehl Zewdano Alemnesh Berhanet Ferede Gidadi Habtom Ketemar Lakeso Mammoy Nigusel "
            "Okubet Redait Seyfud Tilahul Urgesso Wakjiro Yilmat Zerabruk Adugno Bogalu Cherinet Dubalo "
            "Endalk Gashawe Irbato Jembere Kassayo"
        ),
    ),
    NameTable(
        _listed(
            "Thandeka Nomsa Lindiwe Chipoma Rudona Tendaya Nyasha Zodwa Busi Sibongo Mpho Lerata Naledi "
            "Thuli Precious Grace Memory Blessing Ruvimba Tariro Chenai Nokuthu Kagisa Boitumel Palesa Dineo "
            "Khethiwe Ayanda Zanele Mavis"
        ),
        _listed(
            "Tendai Farai Sipho Thabo Kagiso Mandla Bongani Tafara Simba Tatenda Lwazi Jabu Sizwe Lebo "
            "Themba Musawe Vusi Neo Tumelo Onkarabi Katlego Gift Trust Honest Brighton Clever Anesu Kudzai "
            "Munashe Tino"
        ),
        _listed(
            "Moyana Ndlovane Sibandu Dhlamini Khumela Maseko-Tau Ncubeni Mokwena Dubeka Phirima Tshabal "
            "Zulani Mthemba Chirwala Bandani Gumboro Mutasana Chikwari Nkosimba Radebo Mabunda Letsholo "
            "Seretsi Kgosana Motsumi Hlatswa Mahlangu-Ndou Zvobgore Chigumba Marufu Hoveka Nyathira Tladinye "
            "Sesinyi Molefhe Pulane Matsheka Garekwe Tau Ncala"
        ),
    ),
    NameTable(
        _listed(
            "Inés María-Luz Zoé Anaïs Élodie Noémie Célia Aïssata Fátima Mónica Lucía Estrela Conceição "
            "Graça Odília Yaëlle Maïmouna Fatou Awa Rokia Bintou Nayélé Sélène Ŋali Irène Hélène Ana Josefa "
            "Márcia Solène"
        ),
        _listed(
            "José André Rémi João Tomás Iñaki Noël Gaël Mamadou Ousmané Désiré Théo Aurélio Benoît Cláudio "
            "Héctor Müller Sékou Ibraïma Joël Raúl Ángel Nuno Zacarías Élie Kwamé Yaovi Matías Luís Ŋoro"
        ),
        _listed(
            "Núñez Sant'Ana Dos-Reis Traoréné D'Almeida Gonçalo Kouyaté-Sá Peixôto Béyala Diarrá Åsele Muñiz "
            "Lavoisiér Adébayọ Ekué Tchalla Fernão Quiñones Assunção Morêt Kéïta-Bel N'Doye O'Barro Cissokhó "
            "Bâren Pépin Sáenz Valério Ōtara Yéboua Zongoré Ibáñe Lumière Mendonça Nwoŋo Ouédra Rébelo "
            "Sørensa Têtevi Vieirão"
        ),
    ),
)

_SECOND_NAME: Final = 0.55
"""Share of people with a second given name."""


def given_names(rng: Random, region: int, sex: str) -> tuple[str, str | None]:
    """Draw a given name and, for some, a second one that differs from it."""
    table = TABLES[region].female if sex == "female" else TABLES[region].male
    given = pick(rng, table)
    if rng.random() >= _SECOND_NAME:
        return given, None
    second = pick(rng, table)
    return given, None if second == given else second


def surname(rng: Random, region: int) -> str:
    """Draw the surname of someone whose parents nobody recorded."""
    return pick(rng, TABLES[region].surnames)
