%% SPDX-License-Identifier: Apache-2.0
%% A supervisor restarts workers that crash, one_for_one and one_for_all, and gives up when it happens too often; links, monitors, exits.
-module(supervised).
-behaviour(supervisor).
-export([main/0, init/1, start_worker/1]).

main() ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    Ten = [worker(N) || N <- lists:seq(1, 10)],
    {ok, One} = supervisor:start_link({local, one}, ?MODULE, {one_for_one, 1000, Ten}),
    Before = [whereis(Name) || Name <- names(10)],
    [begin crash(Name), wait_new(Name, Pid) end || {Name, Pid} <- lists:zip(names(10), Before)],
    io:format("one for one: ~p~n", [supervisor:count_children(One)]),
    [begin Pid = whereis(w5), crash(w5), wait_new(w5, Pid) end || _ <- lists:seq(1, 200)],
    io:format("200 times: ~p~n", [call(w5, {add, 4})]),
    stop(One),
    {ok, All} = supervisor:start_link(?MODULE, {one_for_all, 5, [worker(N) || N <- [1, 2, 3]]}),
    Pids = [whereis(Name) || Name <- names(3)],
    crash(w2),
    [wait_new(Name, Pid) || {Name, Pid} <- lists:zip(names(3), Pids)],
    io:format("one for all: ~p~n", [[is_pid(whereis(Name)) || Name <- names(3)]]),
    often(All, w1),
    receive {'EXIT', All, Reason} -> io:format("gave up: ~p~n", [Reason]) end,
    io:format("none left: ~p~n", [[whereis(Name) || Name <- names(10)]]),
    io:format("a chain of links: ~p~n", [chain(1000)]).

init({Strategy, Intensity, Children}) ->
    {ok, {#{strategy => Strategy, intensity => Intensity, period => 60}, Children}}.

names(Count) -> [name(N) || N <- lists:seq(1, Count)].
name(N) -> list_to_atom("w" ++ integer_to_list(N)).
worker(N) -> #{id => N, start => {?MODULE, start_worker, [name(N)]}, shutdown => 2000}.

start_worker(Name) ->
    {ok, proc_lib:spawn_link(fun() -> register(Name, self()), work(0) end)}.

work(Sum) ->
    receive
        crash -> exit(crashed);
        {From, Tag, {add, N}} -> From ! {Tag, Sum + N}, work(Sum + N)
    end.

crash(Name) -> Name ! crash.

call(Name, What) ->
    Tag = make_ref(),
    Name ! {self(), Tag, What},
    receive {Tag, Answer} -> Answer end.

wait_new(Name, Old) ->
    case whereis(Name) of
        Pid when is_pid(Pid), Pid =/= Old -> ok;
        _ -> timer:sleep(1), wait_new(Name, Old)
    end.

stop(Pid) ->
    exit(Pid, shutdown),
    receive {'EXIT', Pid, Reason} -> io:format("stopped: ~p~n", [Reason]) end.

often(Supervisor, Name) ->
    case {is_process_alive(Supervisor), whereis(Name)} of
        {false, _} -> ok;
        {true, undefined} -> timer:sleep(1), often(Supervisor, Name);
        {true, Pid} -> exit(Pid, kill), timer:sleep(1), often(Supervisor, Name)
    end.

chain(Length) ->
    Last = lists:foldl(fun(_, Next) -> spawn(fun() -> link(Next), receive never -> ok end end) end,
                       spawn_link(fun() -> receive never -> ok end end), lists:seq(1, Length)),
    Monitor = monitor(process, Last),
    timer:sleep(20),
    exit(Last, broken),
    receive {'DOWN', Monitor, process, Last, Reason} -> Reason end,
    receive {'EXIT', _, broken} -> broken after 5000 -> lost end.
